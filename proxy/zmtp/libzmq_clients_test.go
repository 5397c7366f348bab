package zmtp_test

import (
	"fmt"
	"net"
	"reflect"
	"slices"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

// REQ and DEALER talk to our ROUTER, which sends back what it gets.
func TestLibzmqClients(t *testing.T) {
	for _, mechanism := range mechanisms {
		for _, kind := range []zmq4.Type{zmq4.REQ, zmq4.DEALER} {
			t.Run(mechanism.name+" "+kind.String(), func(t *testing.T) {
				l, endpoint := listen(t)
				want := zmtp.Peer{Minor: 1, Mechanism: mechanism.name, SocketType: kind.String(), User: mechanism.user, Identity: []byte("client-1")}
				result := make(chan error, 1)
				go func() { result <- echo(l, want, len(bodies)) }()
				s := socket(t, kind, endpoint, append(mechanism.options, named)...)
				for _, body := range bodies {
					if kind == zmq4.DEALER {
						body = slices.Concat([]string{"hop", ""}, body)
					}
					if got, err := ask(s, body); err != nil || !slices.Equal(got, body) {
						t.Fatalf("sent %.40q, got %.40q: %v", body, got, err)
					}
				}
				if err := <-result; err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func echo(l net.Listener, want zmtp.Peer, messages int) error {
	c, err := accept(l, router)
	if err != nil {
		return err
	}
	defer c.hangUp()
	if got := c.handshake.Peer(); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("peer is %+v, want %+v", got, want)
	}
	for range messages {
		msg, err := c.receive()
		if err != nil {
			return err
		}
		if _, ok := zmtp.Envelope(msg); !ok {
			return fmt.Errorf("no envelope in %.40q", msg)
		}
		if _, err := c.Write(msg); err != nil {
			return err
		}
	}
	return nil
}

func ask(s *zmq4.Socket, body []string) ([]string, error) {
	if _, err := s.SendMessage(body); err != nil {
		return nil, err
	}
	return s.RecvMessage(0)
}
