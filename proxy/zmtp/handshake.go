package zmtp

import "errors"

// Peer is what a handshake learns about the other side. Its version is 3.Minor; a peer of a later major version counts as 3.1.
type Peer struct {
	Minor      byte
	Mechanism  string // "NULL" or "PLAIN"
	SocketType string
	User       string // PLAIN: who was authenticated
	Identity   []byte // of REQ, DEALER and ROUTER; nil when it is empty
}

// Handshake brings one connection from its first byte to traffic, as the side that accepted it. The zero Handshake is ready for Begin.
type Handshake struct {
	role *Role
	mech mechanism // nil until the peer's greeting is read
	peer Peer
	done bool
	err  error
}

// Begin starts a handshake and appends what is to be sent at once: signature and version. The rest of our greeting names the mechanism
// and waits for the peer to name its own, so that one port can serve several.
func (h *Handshake) Begin(role *Role, out []byte) []byte {
	*h = Handshake{role: role}
	return append(out, preface...)
}

// Feed takes bytes of the peer's and appends what must be sent. It consumes n bytes of in, always whole units: the greeting, then one
// command after another. The caller presents the rest again, with more bytes behind it, so its buffer must hold a whole unit: the largest
// handshake command (Role.MaxMetadata, or its default) and 9 bytes of header. When done is true the peer is known and in[n:] is the
// beginning of the traffic.
//
// An error is an *Error and final. out2 may then end with an ERROR command for the peer, to be sent before hanging up.
func (h *Handshake) Feed(in, out []byte) (n int, out2 []byte, done bool, err error) {
	for !h.done && h.err == nil {
		var used int
		used, out = h.step(in[n:], out)
		if n += used; used == 0 {
			break
		}
	}
	return n, out, h.done, h.err
}

// Peer is what is known about the peer so far; all of it when Feed was done.
func (h *Handshake) Peer() Peer { return h.peer }

// step consumes one unit. used is 0 when it is not complete, or wrong.
func (h *Handshake) step(in, out []byte) (used int, out2 []byte) {
	if h.mech == nil {
		used, out, h.err = h.greet(in, out)
	} else {
		used, out, h.err = h.command(in, out)
	}
	var refusal *Error
	if h.mech != nil && errors.As(h.err, &refusal) && !refusal.final {
		out = appendFailure(out, refusal)
	}
	return used, out
}

// greet reads the greeting and answers it. A peer whose mechanism we do not serve gets a whole greeting too: RFC 37 demands that, and it
// tells the peer what is wrong.
func (h *Handshake) greet(in, out []byte) (int, []byte, error) {
	g, ok, err := parseGreeting(in)
	if !ok || err != nil {
		return 0, out, err
	}
	mech, server, err := newMechanism(g.mechanism)
	if err != nil {
		return 0, appendGreetingRest(out, "NULL", false), err
	}
	h.mech, h.peer.Minor, h.peer.Mechanism = mech, g.minor, g.mechanism
	out = appendGreetingRest(out, g.mechanism, server)
	if server && g.asServer {
		return 0, out, errorf("peer wants to be the server of the mechanism %s, and so do we", g.mechanism)
	}
	return greetingSize, out, nil
}

// command reads one handshake command and answers it.
func (h *Handshake) command(in, out []byte) (int, []byte, error) {
	body, end, err := h.cutCommand(in)
	if body == nil || err != nil {
		return 0, out, err
	}
	name, data, err := splitCommand(body)
	switch {
	case err != nil:
		return 0, out, err
	case name == failure:
		return 0, out, peerFailure(data)
	case name != h.mech.expects():
		return 0, out, errorf("peer sent %s where %s was due", shown([]byte(name)), h.mech.expects())
	}
	out, h.done, err = h.mech.handle(h.role, &h.peer, data, out)
	return end, out, err
}

// cutCommand finds the body of the command at the front of in; nil while it is not all there.
func (h *Handshake) cutCommand(in []byte) (body []byte, end int, err error) {
	hd, need, err := parseHeader(in)
	switch limit := h.role.maxMetadata(); {
	case err != nil || need > 0:
		return nil, 0, err
	case hd.flags&flagCommand == 0:
		return nil, 0, errorf("peer sent a message where %s was due", h.mech.expects())
	case hd.size > uint64(limit):
		return nil, 0, errorf("peer sent a command of %d bytes where %s was due, the limit is %d", hd.size, h.mech.expects(), limit)
	case hd.size > uint64(len(in)-hd.len):
		return nil, 0, nil
	}
	end = hd.len + int(hd.size)
	return in[hd.len:end:end], end, nil
}
