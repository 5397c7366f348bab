package hostile

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
)

const halfOpen = 10_000

// Thousands who connect and say nothing hold nobody up, cost little, and are gone when the handshake's time is over.
func TestHalfOpenConnections(t *testing.T) {
	t.Parallel()
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)) // the Go runtime has raised it as far as it may
	n := min(halfOpen, int(limit.Cur)-200)
	v := start(t)
	echo(t, v.backend)
	client := join(t, v.frontend, "REQ")
	client.ask(t)
	files, memory := v.files(), v.resident()
	began := time.Now()
	held := make([]*peer, n)
	for i := range held {
		held[i] = dial(t, v.frontend)
		defer func() { _ = held[i].Close() }()
		if i%100 == 0 {
			client.ask(t)
		}
	}
	join(t, v.frontend, "REQ").ask(t)
	if after := v.resident(); after > memory+grown {
		t.Errorf("the proxy has %d MiB, and had %d", after>>20, memory>>20)
	}
	t.Logf("%d connections in %v, %d MiB more", n, time.Since(began), (v.resident()-memory)>>20)
	for v.files() > files+10 {
		client.ask(t)
		if time.Since(began) > time.Minute {
			t.Fatalf("%d files are open, there were %d", v.files(), files)
		}
	}
}

// When descriptors run out the proxy neither spins nor stops: those who are connected are served, connections that say nothing make room
// for others, and workers can still come. It takes connections again when there is room.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ballast string
		clients int // that are there when it is full, at least
	}{"by its own count": {"0", 54}, "by the kernel's": {"70", 20}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := start(t, maxFiles+"=128", patient+"=1", ballast+"="+test.ballast)
			echo(t, v.backend)
			client := join(t, v.frontend, "REQ")
			var silent []*peer
			for range 200 {
				silent = append(silent, dial(t, v.frontend)) // the kernel takes them into the backlog
			}
			await.Until(t, "the proxy to be full", func() bool { return v.files() > 60 })
			v.serves(t, client)
			join(t, v.frontend, "REQ").ask(t) // when silent ones have made room

			var idle []*peer
			for len(idle) < 200 { // these say all they have to
				p := dial(t, v.frontend)
				p.send(shaken("REQ"))
				idle = append(idle, p)
			}
			v.until("clients to have all the room", func(s control.Snapshot) bool { return s.Clients >= test.clients })
			v.serves(t, client)
			if name == "by its own count" {
				echo(t, v.backend)
				v.until("another worker", func(s control.Snapshot) bool { return len(s.Lanes) == 2 })
			}

			for _, p := range append(silent, idle...) {
				_ = p.Close()
			}
			join(t, v.frontend, "REQ").ask(t)
		})
	}
}

// serves: the client is, and the proxy has nothing to do beside.
func (v *victim) serves(t *testing.T, client *peer) {
	t.Helper()
	before := v.worked()
	const pauses = 50
	for range pauses {
		client.ask(t)
		time.Sleep(10 * time.Millisecond)
	}
	if took := v.worked() - before; took > pauses*10*time.Millisecond/2 {
		t.Errorf("the proxy worked for %v in half a second with nothing to do", took)
	}
}
