package zmtp

// HandshakeState is how far a Handshake is that goes on well, as plain values: another process can go on with it.
type HandshakeState struct {
	Mechanism string `json:",omitempty"` // "": the peer's greeting has not come
	Minor     byte   `json:",omitempty"`
	Welcomed  bool   `json:",omitempty"` // PLAIN: the peer is authenticated
	User      string `json:",omitempty"` // then, who it is
}

// State returns how far the handshake is. It must be neither done nor have failed.
func (h *Handshake) State() HandshakeState {
	s := HandshakeState{Mechanism: h.peer.Mechanism, Minor: h.peer.Minor, User: h.peer.User}
	if p, ok := h.mech.(*plain); ok {
		s.Welcomed = p.welcomed
	}
	return s
}

// Resume goes on with a handshake of another process, as the same role, instead of Begin. What that had sent is not sent again.
func (h *Handshake) Resume(role *Role, s HandshakeState) error {
	*h = Handshake{role: role}
	if s.Mechanism == "" {
		return nil
	}
	mech, _, err := newMechanism(s.Mechanism)
	if err != nil {
		return err
	}
	if p, ok := mech.(*plain); ok {
		p.welcomed = s.Welcomed
	}
	h.mech, h.peer = mech, Peer{Minor: s.Minor, Mechanism: s.Mechanism, User: s.User}
	return nil
}
