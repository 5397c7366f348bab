package endpoint

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
)

// libzmq reads what we spell: its REQ socket connects to where we listen, and its greeting arrives.
func TestLibzmqConnects(t *testing.T) {
	dir := shortDir(t)
	abstract := "ipc://@" + filepath.Base(dir)
	for _, text := range []string{"tcp://*:*", "tcp://lo:*", "tcp://localhost:*", "ipc://" + dir + "/x", abstract, "ipc://*"} {
		t.Run(text, func(t *testing.T) {
			l := listen(t, text)
			req := zmqSocket(t, zmq4.REQ)
			if err := req.Connect(l.Bound().Connect().String()); err != nil {
				t.Fatal(err)
			}
			fd := accept(t, l)
			defer func() { _ = unix.Close(fd) }()
			signature := make([]byte, 1) // RFC 37, section "The Greeting": it begins with %xFF
			await.Until(t, "a greeting", func() bool {
				n, err := unix.Read(fd, signature)
				return n == 1 && err == nil
			})
			if signature[0] != 0xff {
				t.Errorf("greeting begins with %x", signature)
			}
		})
	}
}

// We read what libzmq spells: the endpoint that it says it has bound.
func TestParseReadsWhatLibzmqBound(t *testing.T) {
	for text, want := range map[string]string{"tcp://*:*": "tcp://0.0.0.0:", "tcp://lo:*": "tcp://127.0.0.1:"} {
		rep := zmqSocket(t, zmq4.REP)
		if err := rep.Bind(text); err != nil {
			t.Fatal(err)
		}
		bound, err := rep.GetLastEndpoint()
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(t, bound); got.String() != bound || !strings.HasPrefix(bound, want) {
			t.Errorf("libzmq bound %s as %s, read as %s", text, bound, got)
		}
	}
}

func zmqSocket(t *testing.T, kind zmq4.Type) *zmq4.Socket {
	t.Helper()
	s, err := zmq4.NewSocket(kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
