package daemon

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

var since = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func helloSpec() fleet.Spec {
	return fleet.Spec{Name: "hello", MaxStarting: 4, Services: []fleet.Service{{
		Name: "hello", Frontend: []string{"tcp://*:5559"}, Backend: []string{"tcp://*:5560"}, Workers: fleet.Workers{Count: 2, Max: 8},
	}}}
}

func life(slot, n int) fleet.Life { return fleet.Life{Service: "hello", Slot: slot, N: n} }

func helloView() fleet.View {
	return fleet.View{Services: []fleet.ServiceView{{
		Name: "hello", Frontend: []string{"tcp://*:5559"}, Backend: []string{"tcp://*:5560"}, Want: 2, Ready: 1,
		Proxy: fleet.SlotView{Life: life(fleet.ProxySlot, 1), State: fleet.StateReady, Pid: 10, Since: since},
		Workers: []fleet.SlotView{
			{Life: life(0, 1), State: fleet.StateReady, Pid: 11, Since: since},
			{Life: life(1, 7), State: fleet.StateBackoff, Restarts: 6, Since: since, Reason: "exited with status 1"},
		},
	}}}
}

// The published contract of `zfleet ps -o json`, letter by letter.
const contract = `{"fleet":"hello","services":[{"name":"hello","frontend":["tcp://*:5559"],"backend":["tcp://*:5560"],` +
	`"bound":{"frontend":["tcp://0.0.0.0:5559"],"backend":["tcp://0.0.0.0:5560"]},` +
	`"proxy":{"pid":10,"state":"ready","goroutines":12,"heap":34567},"want":2,"ready":1,"queued":4,"clients":3,` +
	`"counters":{"requests":9,"replies":8,"redelivered":7,"failed":6,"rejected":5,"dead":4,"dead_lost":3},"workers":[` +
	`{"name":"hello/0#1","slot":0,"life":1,"pid":11,"state":"ready","restarts":0,"since":"2026-03-01T10:00:00Z","inflight":3,"answered":30,` +
	`"doubtful":true,"ejected":{"reason":"it fails","until":"2026-03-01T10:00:05Z"}},` +
	`{"name":"hello/1#7","slot":1,"life":7,"pid":0,"state":"backoff","restarts":6,"since":"2026-03-01T10:00:00Z","inflight":0,"answered":0,` +
	`"reason":"exited with status 1"}],` +
	`"foreign":[{"peer":"127.0.0.1:40000","inflight":0,"answered":2},{"peer":"127.0.0.1:50000","pid":99,"inflight":1,"answered":5},` +
	`{"peer":"127.0.0.1:60000","inflight":0,"answered":1,"stuck":"too long"},` +
	`{"peer":"127.0.0.1:60001","inflight":0,"answered":0,"stuck":"probe failed 3/3"},` +
	`{"peer":"127.0.0.1:70000","inflight":0,"answered":3,"doubtful":true,"ejected":{"reason":"too slow","until":"2026-03-01T10:00:10Z"}}]}]}`

func TestStatusIsTheContract(t *testing.T) {
	snapshot := control.Snapshot{
		Goroutines: 12, Heap: 34567, Queued: 4, Clients: 3, Counters: control.Counters{Requests: 9, Replies: 8, Redelivered: 7, Failed: 6, Rejected: 5, Dead: 4, DeadLost: 3},
		Frontend: []string{"tcp://0.0.0.0:5559"}, Backend: []string{"tcp://0.0.0.0:5560"},
		Lanes: []control.Lane{
			{Worker: "hello/0#1", Inflight: 1, Answered: 10},
			{Peer: "127.0.0.1:50000", Pid: 99, Inflight: 1, Answered: 5},
			{Peer: "127.0.0.1:60000", Answered: 1, Stuck: "too long"},
			{Peer: "127.0.0.1:60001", Unfit: "probe failed 3/3"},
			{Peer: "127.0.0.1:70000", Answered: 3, Doubtful: true, Ejected: "too slow", EjectedUntil: since.Add(10 * time.Second)},
			{Worker: "hello/0#1", Inflight: 2, Answered: 20, Doubtful: true, Ejected: "it fails", EjectedUntil: since.Add(5 * time.Second)}, // a second connection of the same worker
			{Worker: "hello/1#6", Inflight: 1, Answered: 9},                                                                                 // a life that has just ended
			{Peer: "127.0.0.1:40000", Answered: 2},
		},
	}
	sameJSON(t, statusOf("hello", helloView(), []*answer{{snapshot: snapshot}}), contract)
}

func TestStatusOfAProxyThatDoesNotAnswer(t *testing.T) {
	status := statusOf("hello", helloView(), []*answer{{err: errors.New("cannot ask the proxy of hello: timeout")}})
	svc := status.Services[0]
	if svc.Proxy != (admin.Proxy{Pid: 10, State: admin.Unresponsive, Reason: "cannot ask the proxy of hello: timeout"}) {
		t.Errorf("proxy: %+v", svc.Proxy)
	}
	if svc.Clients != 0 || svc.Bound != nil || svc.Ready != 1 {
		t.Errorf("numbers: %+v", svc)
	}
}

func TestStatusOfAFleetThatStartsHasNoNull(t *testing.T) {
	view := helloView()
	view.Services[0].Workers = nil
	view.Services[0].Proxy = fleet.SlotView{State: fleet.StateStarting, Pid: 10}
	sameJSON(t, statusOf("hello", view, []*answer{nil}), `{"fleet":"hello","services":[{"name":"hello","frontend":["tcp://*:5559"],`+
		`"backend":["tcp://*:5560"],"proxy":{"pid":10,"state":"starting"},"want":2,"ready":1,"queued":0,"clients":0,`+
		`"counters":{"requests":0,"replies":0,"redelivered":0,"failed":0,"rejected":0,"dead":0,"dead_lost":0},"workers":[]}]}`)
}

func sameJSON(t *testing.T, value any, want string) {
	t.Helper()
	got, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestConnectableIsWhatPeopleCanType(t *testing.T) {
	clients, workers := Connectable(admin.Bound{
		Frontend: []string{"tcp://0.0.0.0:5559", "ipc:///run/x.sock"},
		Backend:  []string{"tcp://127.0.0.1:40123"},
	})
	if clients != "tcp://127.0.0.1:5559 or ipc:///run/x.sock" || workers != "tcp://127.0.0.1:40123" {
		t.Errorf("clients %s, workers %s", clients, workers)
	}
}

func TestStatusOfARoll(t *testing.T) {
	view := helloView()
	view.Services[0].Roll = fleet.RollView{Number: 2, State: fleet.RollFrozen, Done: 1, Of: 2, Reason: "no", LastLines: []string{"no"}}
	view.Services[0].Workers = []fleet.SlotView{
		{Life: life(0, 1), State: fleet.StateReady, Since: since, Stale: true},
		{Life: life(0, 2), State: fleet.StateStarting, Since: since, Replaces: life(0, 1)},
	}
	svc := statusOf("hello", view, []*answer{nil}).Services[0]
	sameJSON(t, svc.Roll, `{"service":"hello","number":2,"state":"frozen","done":1,"of":2,"reason":"no","last_lines":["no"]}`)
	sameJSON(t, svc.Workers, `[{"name":"hello/0#1","slot":0,"life":1,"pid":0,"state":"ready","restarts":0,"since":"2026-03-01T10:00:00Z",`+
		`"inflight":0,"answered":0,"stale":true},{"name":"hello/0#2","slot":0,"life":2,"pid":0,"state":"starting","restarts":0,`+
		`"since":"2026-03-01T10:00:00Z","inflight":0,"answered":0,"replaces":"hello/0#1"}]`)
}
