package zmtp

import (
	"bytes"
	"slices"
)

// DefaultMaxMetadata is the limit on a handshake command where a Role sets none. What libzmq sends is at most about 520 bytes (PLAIN HELLO
// with the longest user name and password; READY with the longest identity takes 300). 4 KiB leave room for properties of an
// application's own, and a peer that is not authenticated yet cannot make us hold more.
const DefaultMaxMetadata = 4096

// Role is how we present ourselves on one port. All its connections share one; it must not change while they handshake.
type Role struct {
	SocketType  string   // "ROUTER" or "DEALER"
	Peers       []string // Socket-Types that may connect; nil: those that libzmq lets talk to SocketType
	MaxMetadata int      // bytes of a handshake command's body; 0 is DefaultMaxMetadata

	// Authenticate decides about a PLAIN peer; nil refuses PLAIN. The slices are valid during the call only. The peer is told no more than
	// that it was refused; the error is in the chain of what Feed returns.
	Authenticate func(username, password []byte) error
}

// legalPeers is libzmq's table (mechanism.cpp, check_socket_type), as RFC 37 has it too, for the socket types that we can be.
var legalPeers = map[string][]string{
	"ROUTER": {"REQ", "DEALER", "ROUTER"},
	"DEALER": {"REP", "DEALER", "ROUTER"},
}

func (r *Role) maxMetadata() int {
	if r.MaxMetadata > 0 {
		return r.MaxMetadata
	}
	return DefaultMaxMetadata
}

// conclude ends a handshake: it holds the peer's metadata against the rules and appends our READY.
func (r *Role) conclude(p *Peer, data, out []byte) (out2 []byte, done bool, err error) {
	m, err := parseMetadata(data)
	if err == nil {
		err = r.admit(m, p)
	}
	if err != nil {
		return out, false, err
	}
	return r.appendReady(out), true, nil
}

// admit holds the metadata of a peer against the rules and notes it in p.
func (r *Role) admit(m metadata, p *Peer) error {
	allowed := r.Peers
	if allowed == nil {
		allowed = legalPeers[r.SocketType]
	}
	socketType := string(m.socketType)
	switch {
	case m.socketType == nil:
		return errorf("peer did not say its Socket-Type")
	case !slices.Contains(allowed, socketType):
		return errorf("Socket-Type %s cannot talk to %s", shown(m.socketType), r.SocketType)
	}
	p.SocketType = socketType
	return p.setIdentity(m.identity)
}

// setIdentity follows RFC 37, The Identity Property: it means something from these three types only.
func (p *Peer) setIdentity(id []byte) error {
	switch {
	case !slices.Contains([]string{"REQ", "DEALER", "ROUTER"}, p.SocketType) || len(id) == 0:
		return nil
	case len(id) > maxIdentity:
		return errorf("peer sent an Identity of %d bytes, the limit is %d", len(id), maxIdentity)
	case id[0] == 0:
		return errorf("peer sent an Identity that begins with a zero byte, which is reserved")
	}
	p.Identity = bytes.Clone(id)
	return nil
}

// appendMetadata appends what we say of ourselves. ROUTER and DEALER send an empty Identity, as libzmq does (mechanism.cpp,
// add_basic_properties).
func (r *Role) appendMetadata(out []byte) []byte {
	return appendProperty(appendProperty(out, propertySocketType, r.SocketType), propertyIdentity, "")
}

func (r *Role) appendReady(out []byte) []byte {
	size := len(r.appendMetadata(nil))
	return r.appendMetadata(appendCommand(out, ready, size))
}
