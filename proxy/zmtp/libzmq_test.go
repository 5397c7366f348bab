package zmtp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

var (
	router = &zmtp.Role{SocketType: "ROUTER", Authenticate: onlyHello3}
	dealer = &zmtp.Role{SocketType: "DEALER", Authenticate: onlyHello3}
)

func onlyHello3(username, password []byte) error {
	if string(username) != "hello/3#7" || string(password) != "secret" {
		return errors.New("wrong secret")
	}
	return nil
}

type option func(*zmq4.Socket) error

func named(s *zmq4.Socket) error { return s.SetIdentity("client-1") }

func plain(password string) option {
	return func(s *zmq4.Socket) error {
		return errors.Join(s.SetPlainUsername("hello/3#7"), s.SetPlainPassword(password))
	}
}

// socket is a libzmq socket in a context of its own.
func socket(t *testing.T, kind zmq4.Type, endpoint string, options ...option) *zmq4.Socket {
	t.Helper()
	ctx, err := zmq4.NewContext()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ctx.NewSocket(kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), ctx.Term()); err != nil {
			t.Error(err)
		}
	})
	err = errors.Join(s.SetLinger(0), s.SetRcvtimeo(patience), s.SetSndtimeo(patience))
	for _, set := range options {
		err = errors.Join(err, set(s))
	}
	if err := errors.Join(err, s.Connect(endpoint)); err != nil {
		t.Fatal(err)
	}
	return s
}

// bodies are messages with every border of the framing in them.
var bodies = [][]string{
	{"Hello"},
	{""},
	{"", "", ""},
	{strings.Repeat("a", 255), strings.Repeat("b", 256), ""},
	{strings.Repeat("c", 1<<20), "end"},
}

var mechanisms = []struct {
	name, user string
	options    []option
}{
	{"NULL", "", nil},
	{"PLAIN", "hello/3#7", []option{plain("secret")}},
}
