package daemon

import (
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
)

// A lane that is ejected and comes back is in the timeline, a foreign one under its service. The story of its worker goes on as before.
func TestEventsOfEjectedLanes(t *testing.T) {
	r := newRecorded(t, helloSpec())
	out := control.Event{Kind: control.LaneEjected, At: since, Reason: "it fails", Lane: control.Lane{
		Peer: "127.0.0.1:4711", Pid: 99, EjectedUntil: since.Add(20 * time.Second),
	}}
	back := control.Event{Kind: control.LaneBack, At: since, Lane: control.Lane{Peer: "127.0.0.1:4711"}}
	for _, worker := range []string{"hello/1#7", ""} {
		r.rec.judgedLane("hello", worker, out)
		r.rec.judgedLane("hello", worker, back)
	}
	const want = `1  fleet             fleet_started  the fleet starts (pid 7)
2  hello/1#7         lane_ejected   it gets no requests for 20s: it fails
3  hello/1#7         lane_back      it gets requests again: it is tried again, or has proved itself
4  hello             lane_ejected   a worker at 127.0.0.1:4711 that zfleet did not start gets no requests for 20s: it fails
5  hello             lane_back      a worker at 127.0.0.1:4711 that zfleet did not start gets requests again: it is tried again, or has proved itself
6  fleet             fleet_ended    the fleet has ended
`
	if got := r.list(t); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
