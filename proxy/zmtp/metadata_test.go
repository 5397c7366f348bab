package zmtp

import (
	"encoding/binary"
	"strings"
	"testing"
)

// referenceMetadata reads properties into a list, in the most obvious way.
func referenceMetadata(s string) (names, values []string, ok bool) {
	for s != "" {
		n := int(s[0])
		if n == 0 || len(s) < 1+n+4 {
			return nil, nil, false
		}
		size := int64(binary.BigEndian.Uint32([]byte(s[1+n:])))
		if int64(len(s)) < int64(1+n+4)+size {
			return nil, nil, false
		}
		names, values = append(names, asciiLower(s[1:1+n])), append(values, s[1+n+4:][:size])
		s = s[1+n+4+int(size):]
	}
	return names, values, true
}

func asciiLower(s string) string {
	lower := []byte(s)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c - 'A' + 'a'
		}
	}
	return string(lower)
}

func count(names, values []string, name string) (n int, value string) {
	for i := range names {
		if names[i] == name {
			n, value = n+1, values[i]
		}
	}
	return n, value
}

func FuzzMetadata(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMetadata(b)
		names, values, ok := referenceMetadata(string(b))
		types, socketType := count(names, values, "socket-type")
		ids, identity := count(names, values, "identity")
		if want := ok && types < 2 && ids < 2; (err == nil) != want {
			t.Fatalf("error %v, want ok %v", err, want)
		}
		if err != nil {
			return
		}
		if string(m.socketType) != socketType || string(m.identity) != identity || (m.socketType != nil) != (types == 1) ||
			(m.identity != nil) != (ids == 1) {
			t.Fatalf("got %q and %q, want %q and %q", m.socketType, m.identity, socketType, identity)
		}
	})
}

// U+212A and U+017F are equal to k and s when case is folded as Unicode has it. Names are ASCII.
func TestPropertyNamesAreASCII(t *testing.T) {
	for _, name := range []string{"Soc\u212aet-Type", "\u017focket-Type"} {
		m, err := parseMetadata(appendProperty(nil, name, "REQ"))
		if m.socketType != nil || err != nil {
			t.Errorf("%s was taken for Socket-Type: %v", name, err)
		}
	}
	if m, err := parseMetadata(appendProperty(nil, strings.ToUpper(propertySocketType), "REQ")); string(m.socketType) != "REQ" || err != nil {
		t.Error(m, err)
	}
}
