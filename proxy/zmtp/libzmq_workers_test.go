package zmtp_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

// A REP works for our DEALER, and gives back the token and the client's envelope as they were.
func TestLibzmqWorker(t *testing.T) {
	for _, mechanism := range mechanisms {
		t.Run(mechanism.name, func(t *testing.T) {
			l, endpoint := listen(t)
			s := socket(t, zmq4.REP, endpoint, mechanism.options...)
			result := make(chan error, 1)
			go func() { result <- work(s, len(bodies)) }()
			c, err := accept(l, dealer)
			if err != nil {
				t.Fatal(err)
			}
			defer c.hangUp()
			want := zmtp.Peer{Minor: 1, Mechanism: mechanism.name, SocketType: "REP", User: mechanism.user}
			if got := c.handshake.Peer(); !reflect.DeepEqual(got, want) {
				t.Fatalf("peer is %+v, want %+v", got, want)
			}
			for i, body := range bodies {
				request := wire(slices.Concat([]string{"hop", ""}, body))
				if _, err := c.Write(append(zmtp.AppendToken(nil, uint64(i)<<40), request...)); err != nil {
					t.Fatal(err)
				}
				reply, err := c.receive()
				if err != nil {
					t.Fatal(err)
				}
				if token, _, ok := zmtp.Token(reply); !ok || token != uint64(i)<<40 || string(reply[zmtp.TokenFrame:]) != string(request) {
					t.Fatalf("token %d %v, %.40q", token, ok, reply)
				}
			}
			if err := <-result; err != nil {
				t.Fatal(err)
			}
		})
	}
}

func work(s *zmq4.Socket, requests int) error {
	for range requests {
		body, err := s.RecvMessage(0)
		if err != nil {
			return err
		}
		if _, err := s.SendMessage(body); err != nil {
			return err
		}
	}
	return nil
}

func wire(frames []string) []byte {
	var out []byte
	for i, frame := range frames {
		out = zmtp.AppendFrame(out, i < len(frames)-1, []byte(frame))
	}
	return out
}

// libzmq sends a PING between two frames of a message when its timer fires there. The peer has to be quick enough to fill its socket for
// that, so big messages are read until it has happened.
func TestLibzmqPingsBetweenFrames(t *testing.T) {
	l, endpoint := listen(t)
	often := func(s *zmq4.Socket) error {
		return errors.Join(s.SetHeartbeatIvl(time.Millisecond), s.SetHeartbeatTimeout(patience))
	}
	s := socket(t, zmq4.DEALER, endpoint, often, func(s *zmq4.Socket) error { return s.SetSndhwm(4000) })
	frames := slices.Repeat([]string{strings.Repeat("f", 4096)}, 2000)
	want := string(wire(frames))
	c, err := accept(l, router)
	if err != nil {
		t.Fatal(err)
	}
	defer c.hangUp()
	for deadline := time.Now().Add(patience); c.between == 0; {
		if time.Now().After(deadline) {
			t.Fatal("no PING came between two frames")
		}
		if _, err := s.SendMessage(frames); err != nil {
			t.Fatal(err)
		}
		if msg, err := c.receive(); err != nil || string(msg) != want {
			t.Fatalf("got %d bytes, want %d: %v", len(msg), len(want), err)
		}
	}
}
