package zmtp

// plain is the server of the PLAIN mechanism (RFC 24): HELLO, WELCOME, INITIATE, READY.
type plain struct{ welcomed bool }

func (m *plain) expects() string {
	if m.welcomed {
		return initiate
	}
	return hello
}

func (m *plain) handle(r *Role, p *Peer, data, out []byte) ([]byte, bool, error) {
	if m.welcomed {
		return r.conclude(p, data, out)
	}
	if err := authenticate(r, p, data); err != nil {
		return out, false, err
	}
	m.welcomed = true
	return appendCommand(out, welcome, 0), false, nil
}

func authenticate(r *Role, p *Peer, data []byte) error {
	username, rest, ok := cutString(data)
	password, rest, ok2 := cutString(rest)
	switch {
	case !ok || !ok2 || len(rest) > 0:
		return errorf("peer sent a malformed HELLO")
	case r.Authenticate == nil:
		return &Error{sentence: "peer wants the mechanism PLAIN, which this port does not accept", reason: authFailed}
	}
	if err := r.Authenticate(username, password); err != nil {
		return &Error{sentence: "peer that calls itself " + shown(username) + " was refused: " + err.Error(), reason: authFailed, cause: err}
	}
	p.User = string(username)
	return nil
}

// cutString takes a string with one byte of length off b.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	return b[1 : 1+int(b[0])], b[1+int(b[0]):], true
}
