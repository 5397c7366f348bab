package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
)

// busy is a fleet in which a lot is going on.
func busy(now time.Time) admin.Status {
	worker := func(n, life, pid int, state string, since time.Duration) admin.Worker {
		return admin.Worker{
			Name: "hello/" + number(n) + "#" + number(life), Slot: n, Life: life, Pid: pid, State: state, Since: now.Add(-since), Restarts: life - 1,
		}
	}
	workers := []admin.Worker{
		worker(0, 1, 1201, "ready", 49*time.Hour+30*time.Minute),
		worker(1, 3, 1202, "unready", 2*time.Minute+5*time.Second),
		worker(2, 12, 0, "crashloop", 3*time.Hour+time.Minute),
		worker(3, 1, 1204, "draining", 900*time.Millisecond),
		worker(4, 0, 0, "pending", -time.Second),
		worker(4, 2, 1206, "starting", time.Second),
	}
	workers[5].Replaces, workers[5].Reason = "hello/4#1", "waits for its handshake"
	workers[0].Stale = true
	workers[0].Ejected = &admin.Ejected{Reason: "it is slow", Until: now.Add(9 * time.Second)}
	workers[0].Inflight, workers[0].Answered = 2, 123456
	workers[1].Reason = "warming up\x1b[2J\nthe model"
	workers[3].Doubtful = true
	workers[2].Reason = "exited with status 1"
	return admin.Status{Fleet: "hello", Services: []admin.Service{
		{
			Name: "hello", Frontend: []string{"tcp://127.0.0.1:*", "ipc:///run/hello.sock"}, Backend: []string{"tcp://*:5560"},
			Bound: &admin.Bound{Frontend: []string{"tcp://127.0.0.1:40001", "ipc:///run/hello.sock"}, Backend: []string{"tcp://0.0.0.0:5560"}},
			Proxy: admin.Proxy{Pid: 1200, State: "ready"}, Want: 4, Ready: 1, Queued: 17, Clients: 3, Workers: workers,
			Roll: &admin.Roll{Service: "hello", State: admin.RollRolling, Done: 1, Of: 5},
			Autoscale: &admin.Autoscale{Min: 1, Max: 8, Reason: "42% busy, 3 may do", Change: &admin.AutoScale{
				At: now.Add(-133 * time.Second), Was: 3, Want: 4, Cause: "waits", Reason: "wait 120ms > 50ms",
			}},
			Foreign: []admin.Lane{
				{Peer: "127.0.0.1:50123", Pid: 777, Inflight: 1, Answered: 9},
				{Peer: "127.0.0.1:50124", Answered: 3, Stuck: "a request is past its timeout of 2s"},
				{Peer: "127.0.0.1:50125", Answered: 4, Ejected: &admin.Ejected{Reason: "it fails", Until: now.Add(42 * time.Second)}},
			},
		},
		{
			Name: "größer", Frontend: []string{"tcp://*:6000"}, Backend: []string{"tcp://*:6001"},
			Proxy: admin.Proxy{Pid: 1300, State: admin.Unresponsive}, Workers: []admin.Worker{}, Degraded: "2 of 4 workers do not answer",
			Roll:      &admin.Roll{Service: "größer", State: admin.RollFrozen, Of: 2, Reason: "größer/0#2 did not become ready:\nno\x1b[2J"},
			Autoscale: &admin.Autoscale{Max: 8, Held: true},
		},
		{
			Name: "old", Frontend: []string{"tcp://*:7000"}, Backend: []string{"tcp://*:7001"}, Leaving: true,
			Proxy: admin.Proxy{Pid: 1400, State: "ready"}, Workers: []admin.Worker{},
		},
	}}
}

const busyTable = `SERVICE  WANT  READY  QUEUED  CLIENTS  PROXY         PID   FRONTEND                                     BACKEND
hello    4     1      17      3        ready         1200  tcp://127.0.0.1:40001,ipc:///run/hello.sock  tcp://0.0.0.0:5560
größer   0     0      0       0        unresponsive  1300  tcp://*:6000                                 tcp://*:6001
old      0     0      0       0        ready         1400  tcp://*:7000                                 tcp://*:7001

hello restarts: 1 of 5 workers replaced

hello is autoscaled, 1 to 8 workers: 42% busy, 3 may do; 2m13s ago 3 → 4: wait 120ms > 50ms

größer: its restart is frozen, 0 of 2 workers replaced: größer/0#2 did not become ready: no\x1b[2J
hint: mend it, then zfleet restart größer --continue; or zfleet restart größer --undo

größer is degraded: 2 of 4 workers do not answer

größer is not autoscaled: 0 workers set by hand; zfleet scale größer=auto

old is being removed: it ends when the requests that it has are answered

WORKER      STATE      PID   SINCE  RESTARTS  INFLIGHT  ANSWERED  REASON
hello/0#1   ready      1201  2d1h   0         2         123456    gets no requests for 9s: it is slow; stale: its program has changed since it was started
hello/1#3   unready    1202  2m5s   2         0         0         warming up\x1b[2J the model
hello/2#12  crashloop  -     3h1m   11        0         0         exited with status 1
hello/3#1   draining   1204  0s     0         0         0         doubtful: it fails or is slow, and gets what others have no room for
hello/4#0   pending    -     0s     -1        0         0         -
hello/4#2   starting   1206  1s     1         0         0         to replace hello/4#1; waits for its handshake
hello       foreign    777   -      -         1         9         127.0.0.1:50123
hello       stuck      -     -      -         0         3         127.0.0.1:50124: a request is past its timeout of 2s
hello       ejected    -     -      -         0         4         127.0.0.1:50125: gets no requests for 42s: it fails
`

func TestPsTable(t *testing.T) {
	var out bytes.Buffer
	now := time.Now()
	(&tui{out: &out, err: os.Stderr}).status(&out, busy(now), now)
	if out.String() != busyTable {
		t.Errorf("got\n%s\nwant\n%s", out.String(), busyTable)
	}
}

func TestPsJSONIsWhatTheFleetSaid(t *testing.T) {
	sandbox(t)
	f := hello()
	f.status = busy(time.Now().Round(time.Second).UTC())
	serve(t, f)
	stdout, _, code := run("ps", "-o", "json")
	var got admin.Status
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitOK {
		t.Fatalf("code %d: %v", code, err)
	}
	if a, b := indented(got), indented(f.status); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}

func TestAnotherVersionIsSaidOnce(t *testing.T) {
	sandbox(t)
	socket := admin.SocketPath("hello")
	_, err := admin.MakeRunDir("hello")
	must(t, err)
	ln, err := admin.Listen(socket)
	must(t, err)
	server := admin.NewServer(hello(), "v0.0.1")
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close(t.Context()) })
	wants(t, exitOK, "hello: 5 workers ready (was 3)\n", "zfleet: this zfleet is "+version()+", the fleet was started by v0.0.1\n",
		"scale", "5", "--socket", socket)
}
