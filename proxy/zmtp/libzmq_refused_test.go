package zmtp_test

import (
	"errors"
	"testing"

	"github.com/pebbe/zmq4"
)

const mechanismMismatch = 0x11000002 // ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH of zmq_socket_monitor(3)

// What we say of a peer that is refused, and what libzmq's own monitor then says to that peer.
func TestLibzmqPeersThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		kind    zmq4.Type
		options []option
		want    string
		event   zmq4.Event
		value   int
	}{
		{"wrong password", zmq4.REP, []option{plain("guess")}, "peer that calls itself hello/3#7 was refused: wrong secret",
			zmq4.EVENT_DISCONNECTED, 0},
		{"CURVE", zmq4.REP, []option{curve}, "peer wants the mechanism CURVE, only NULL and PLAIN are served",
			zmq4.EVENT_HANDSHAKE_FAILED_PROTOCOL, mechanismMismatch},
		{"wrong type", zmq4.REQ, nil, "Socket-Type REQ cannot talk to DEALER", zmq4.EVENT_DISCONNECTED, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, endpoint := listen(t)
			var monitor *zmq4.Socket
			watch := func(s *zmq4.Socket) (err error) {
				monitor, err = watched(t, s, test.event)
				return err
			}
			socket(t, test.kind, endpoint, append(test.options, watch)...)
			c, err := accept(l, dealer)
			if err == nil || err.Error() != test.want {
				t.Fatalf("error %v, want %s", err, test.want)
			}
			defer c.hangUp() // not before the peer has hung up of its own accord
			event, _, value, err := monitor.RecvEvent(0)
			if err != nil || event != test.event || test.value != 0 && value != test.value {
				t.Fatalf("libzmq says %v %#x: %v", event, value, err)
			}
		})
	}
}

// watched is a monitor of the events of s, closed before s is.
func watched(t *testing.T, s *zmq4.Socket, events zmq4.Event) (*zmq4.Socket, error) {
	const endpoint = "inproc://monitor"
	ctx, err := s.Context()
	if err != nil {
		return nil, err
	}
	monitor, err := ctx.NewSocket(zmq4.PAIR)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := monitor.Close(); err != nil {
			t.Error(err)
		}
	})
	return monitor, errors.Join(monitor.SetRcvtimeo(patience), s.Monitor(endpoint, events), monitor.Connect(endpoint))
}

func curve(s *zmq4.Socket) error {
	public, secret, err := zmq4.NewCurveKeypair()
	return errors.Join(err, s.SetCurveServerkey(public), s.SetCurvePublickey(public), s.SetCurveSecretkey(secret))
}
