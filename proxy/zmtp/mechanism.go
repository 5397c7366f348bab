package zmtp

// The commands of the handshakes (RFC 37, The NULL Security Mechanism; RFC 24).
const (
	ready    = "READY"
	failure  = "ERROR"
	hello    = "HELLO"
	welcome  = "WELCOME"
	initiate = "INITIATE"
)

// authFailed is the reason that libzmq gives and understands in an ERROR command (the status code of RFC 27; mechanism_base.cpp,
// handle_error_reason). Its PLAIN client hangs up without knowing it, though: "\x05ERROR" in plain_common.hpp is a ^ and RROR to C++.
const authFailed = "400"

// mechanism is the server's side of one connection's security handshake, from the greeting to READY.
type mechanism interface {
	// expects names the command that must come next.
	expects() string
	// handle takes the data of that command, notes what it learns in p and appends the answer. done ends the handshake.
	handle(r *Role, p *Peer, data, out []byte) (out2 []byte, done bool, err error)
}

// newMechanism picks what the peer speaks. server is what our greeting says in its as-server field.
func newMechanism(name string) (m mechanism, server bool, err error) {
	switch name {
	case "NULL":
		return null{}, false, nil
	case "PLAIN":
		return &plain{}, true, nil
	}
	return nil, false, errorf("peer wants the mechanism %s, only NULL and PLAIN are served", name)
}

// null is the mechanism without any security: the peer's READY is answered by ours.
type null struct{}

func (null) expects() string { return ready }

func (null) handle(r *Role, p *Peer, data, out []byte) ([]byte, bool, error) {
	return r.conclude(p, data, out)
}
