package zmtp

import (
	"encoding/binary"
	"strings"
)

// The properties that we read and send. RFC 37: case is not significant in names.
const (
	propertySocketType = "Socket-Type"
	propertyIdentity   = "Identity"
)

const maxIdentity = 255

// metadata holds the properties that matter here, as parts of the command they came in; nil is absent.
type metadata struct {
	socketType, identity []byte
}

// parseMetadata reads the properties of a READY or INITIATE (RFC 37: property = name value).
func parseMetadata(b []byte) (metadata, error) {
	var m metadata
	for len(b) > 0 {
		name, value, rest, ok := cutProperty(b)
		if !ok {
			return m, errorf("peer sent malformed metadata: a property is cut short or has no name")
		}
		b = rest
		if field := m.field(name); field != nil {
			if *field != nil {
				return m, errorf("peer sent the property %s twice", shown(name))
			}
			*field = value
		}
	}
	return m, nil
}

// field is where a property is kept, or nil for one that is ignored.
func (m *metadata) field(name []byte) *[]byte {
	switch {
	case isName(name, propertySocketType):
		return &m.socketType
	case isName(name, propertyIdentity):
		return &m.identity
	}
	return nil
}

// isName compares without regard to case. The lengths must be equal too, else EqualFold takes some letters beyond ASCII for k and s.
func isName(name []byte, want string) bool {
	return len(name) == len(want) && strings.EqualFold(string(name), want)
}

// cutProperty takes the first property off b: one byte of length and a name, four bytes of length and a value.
func cutProperty(b []byte) (name, value, rest []byte, ok bool) {
	n := int(b[0])
	if b = b[1:]; n == 0 || len(b) < n+4 {
		return nil, nil, nil, false
	}
	name, b = b[:n], b[n:]
	size := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(size) > uint64(len(b)) {
		return nil, nil, nil, false
	}
	return name, b[:size:size], b[size:], true
}

func appendProperty(out []byte, name, value string) []byte {
	out = append(append(out, byte(len(name))), name...)
	return append(binary.BigEndian.AppendUint32(out, uint32(len(value))), value...)
}
