package endpoint

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// hand gives a listener to another one, by way of text, as to another process.
func hand(t *testing.T, l *Listener) *Listener {
	t.Helper()
	text, err := json.Marshal(l.Handed())
	if err != nil {
		t.Fatal(err)
	}
	var h Handed
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatal(err)
	}
	fd, err := l.Duplicate()
	if err != nil {
		t.Fatal(err)
	}
	next, err := h.Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Close() })
	return next
}

// Who is handed a listener closes it for good, with its file and its folder; who has left it touches neither.
func TestHandedListener(t *testing.T) {
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, asked := range []string{"ipc://" + filepath.Join(dir, "s"), "ipc://*", "tcp://127.0.0.1:*"} {
		l := listenOn(t, asked)
		next := hand(t, hand(t, l))
		if next.Bound() != l.Bound() || next.Handed().Asked.String() != asked {
			t.Errorf("%s: %+v was handed, %+v came", asked, l.Handed(), next.Handed())
		}
		network, address := next.Bound().Transport, next.Bound().Path
		if network == IPC {
			network = "unix"
		} else {
			address = next.Bound().String()[len("tcp://"):]
		}
		if err := l.Leave(); err != nil {
			t.Error(err)
		}
		conn, err := net.Dial(network, address)
		if err != nil {
			t.Errorf("%s: nobody listens after the first has left: %v", asked, err)
			continue
		}
		_ = conn.Close()
		if err := next.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(address); err == nil {
			t.Errorf("%s: its file is still there", asked)
		}
		if _, err := os.Lstat(filepath.Dir(address)); asked == "ipc://*" && err == nil {
			t.Errorf("%s: its folder is still there", asked)
		}
	}
}

func listenOn(t *testing.T, asked string) *Listener {
	t.Helper()
	ep, err := Parse(asked)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ep.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// A socket takes another one's path without a moment in which nobody is there, and the other does not remove it then.
func TestRename(t *testing.T) {
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "control")
	old, next := listenOn(t, "ipc://"+path), listenOn(t, "ipc://"+path+".next")
	if err := next.Rename(path); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if err := listenOn(t, "tcp://127.0.0.1:*").Rename(path); err == nil {
		t.Error("a tcp port was renamed")
	}
}
