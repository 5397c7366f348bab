package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pebbe/zmq4"

	"github.com/zfleet/zfleet/internal/await"
)

// Each kind of endpoint carries both sides.
func TestEndpoints(t *testing.T) {
	for name, on := range map[string]func(*testing.T) ports{
		"IPv4":         wildcard,
		"IPv6":         func(*testing.T) ports { return same("tcp://[::1]:*") },
		"ipc":          func(t *testing.T) ports { return ipc(t) },
		"abstract ipc": abstract,
		"one of each":  func(t *testing.T) ports { return ports{[]string{"tcp://[::1]:*"}, ipc(t).backend} },
	} {
		t.Run(name, func(t *testing.T) {
			eachWith(t, setup{on: on}, func(t *testing.T, at ports) {
				p := newPeers(t)
				p.rep(at.be(), echo)
				expect(t, ask(t, p.connect(zmq4.REQ, at.fe()), "over", "", name), "over", "", name)
			})
		})
	}
}

// An engine may listen at several endpoints on either side; they are one port.
func TestSeveralEndpoints(t *testing.T) {
	on := func(t *testing.T) ports {
		a, b := wildcard(t), ipc(t)
		return ports{append(a.frontend, a.frontend[0], b.frontend[0]), append(a.backend, b.backend[0])}
	}
	eachWith(t, setup{on: on}, func(t *testing.T, at ports) {
		p := newPeers(t)
		for i, be := range at.backend {
			p.rep(be, func(m [][]byte) [][]byte { return append(m, frames(fmt.Sprint(i))...) })
		}
		seen := map[string]bool{}
		await.Until(t, "answers by every way", func() bool {
			for i, fe := range at.frontend {
				reply := ask(t, p.connect(zmq4.REQ, fe), "by", fmt.Sprint(i))
				expect(t, reply[:2], "by", fmt.Sprint(i))
				seen[fmt.Sprintf("%d %s", i, reply[2])] = true
			}
			return len(seen) == len(at.frontend)*len(at.backend)
		})
	})
}

// What is reported as bound is what was asked for, with the port that the kernel gave.
func TestBoundEndpoints(t *testing.T) {
	each(t, func(t *testing.T, at ports) {
		for _, ep := range []string{at.fe(), at.be()} {
			if port, ok := strings.CutPrefix(ep, "tcp://127.0.0.1:"); !ok || port == "*" || port == "0" {
				t.Errorf("bound at %s, want tcp://127.0.0.1: and a port", ep)
			}
		}
		if at.fe() == at.be() {
			t.Errorf("both sides at %s", at.fe())
		}
	})
}

func same(endpoint string) ports { return ports{[]string{endpoint}, []string{endpoint}} }

// ipc gives two socket paths that are short enough for a unix address, in a folder that goes with the test.
func ipc(t tester) ports {
	t.Helper()
	dir, err := os.MkdirTemp("", "zf")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return ports{[]string{"ipc://" + filepath.Join(dir, "fe")}, []string{"ipc://" + filepath.Join(dir, "be")}}
}

// abstract gives two names in Linux's abstract namespace, which libzmq spells with an @.
func abstract(t *testing.T) ports {
	at := ipc(t)
	for _, eps := range [][]string{at.frontend, at.backend} {
		eps[0] = "ipc://@" + strings.TrimPrefix(eps[0], "ipc:///")
	}
	return at
}
