package dispatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// parcel is a Dispatcher on its way, with messages as numbers.
type parcel struct {
	State    State
	Requests []RequestState
	Messages []int
}

func pack[M any](t fataler, d *Dispatcher[M], number func(M) int) []byte {
	p := parcel{State: d.State()}
	for r, m := range d.Requests() {
		p.Requests, p.Messages = append(p.Requests, r), append(p.Messages, number(m))
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatalf("cannot encode: %v", err)
	}
	return text
}

func unpack[M any](text []byte, cfg Config, message func(int) M) (*Rebuild[M], *Dispatcher[M], error) {
	var p parcel
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, nil, err
	}
	if len(p.Messages) != len(p.Requests) {
		return nil, nil, errors.New("there are requests without a message")
	}
	b, err := NewRebuild[M](cfg, p.State)
	if err != nil {
		return nil, nil, err
	}
	for i, r := range p.Requests {
		if err := b.Add(r, message(p.Messages[i])); err != nil {
			return nil, nil, err
		}
	}
	d, err := b.Done()
	return b, d, err
}

// fataler is a test of any kind.
type fataler interface{ Fatalf(string, ...any) }

// handOver puts another Dispatcher in the place of the one that there is, made of its bytes. Nobody was listened to meanwhile.
func (w *world) handOver(away time.Duration) {
	text := pack(w.t, w.d, func(j *job) int { return slices.Index(w.jobs, j) })
	b, d, err := unpack(text, w.cfg, func(n int) *job {
		if n < 0 {
			return nil
		}
		return w.jobs[n]
	})
	if err != nil {
		w.t.Fatalf("cannot rebuild %s: %v", text, err)
	}
	if again := pack(w.t, d, func(j *job) int { return slices.Index(w.jobs, j) }); string(again) != string(text) {
		w.t.Fatalf("was\n%s\nis\n%s", text, again)
	}
	for _, p := range w.clients {
		p.c = b.Client(p.c.ID())
		p.c.Data = p
	}
	for _, k := range w.lanes {
		k.l = b.Lane(k.l.ID())
		k.began += away
		k.oldestAt += away
		k.pulse.from += away
	}
	w.now += away
	d.Away(away)
	w.d = d
}

func (w *world) drawHandOver(t *rapid.T) {
	w.handOver(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 300_000}).Draw(t, "away")))
}

// What is handed over is handed over in whole: each field of the state is carried, follows from what is, or is named here as what it is.
func TestStateIsComplete(t *testing.T) {
	for _, known := range []struct {
		of     any
		fields string
	}{
		{Dispatcher[int]{}, "cfg=new slab=Requests turns=Turns free=Free ended=Requests drained=Drained timed=Timed fresh=Fresh resting=Resting probed=Probed silent=Silent byAge=Requests " +
			"pausing=Pausing paused=Paused resuming=Resuming clients=Clients lanes=Lanes nclients=counted nlanes=counted " +
			"waiting=counted outstanding=counted bytes=counted deliveries=Deliveries redelivered=Redelivered failed=Failed " +
			"delivered=Delivered answered=Answered waited=Waited goneBusy=GoneBusy joined=Joined upped=Upped " +
			"doubtful=Free jury=counted ejected=Ejected spare=Spare verdicts=Verdicts able=counted nejected=counted"},
		{Client[int]{}, "Data=shell all=Clients turn=Turns held=gate id=ID queue=Requests waiting=counted bytes=counted outstanding=counted " +
			"gate=Pausing,Paused,Resuming left=Requests usual=Habits"},
		{Lane[int]{}, "Data=shell all=Lanes place=Free,Drained clock=Timed pulse=Fresh,Resting,Probed,Silent bucket=counted id=ID held=Requests outstanding=counted " +
			"allowance=service answered=Answered service=Service since=Since busy=Busy began=Began draining=Draining onHold=OnHold stuck=Stuck owed=Owed " +
			"pulsed=Pulsed probe=Probe failures=Failures " +
			"term=Ejected news=Verdicts behind=counted standing=Standing"},
		{standing{}, "scores=Failing,Slow doubted=counted curbed=Curbed pace=Pace juror=counted able=counted fault=Fault told=Told row=Row " +
			"until=Until others=Others"},
		{request[int]{}, "node=order clock=Age message=message client=Client lane=Lane size=Size index=Index delivery=Delivery " +
			"arrived=Arrived strikes=Strikes cause=Cause late=Late"},
		{slab[int]{}, "chunks=Index vacant=counted partial=counted idle=counted"},
		{chunk[int]{}, "node=counted free=counted live=counted number=Index requests=Requests"},
		{buckets[int]{}, "full=Free lanes=Free"},
	} {
		names := map[string]bool{}
		for _, word := range strings.Fields(known.fields) {
			name, _, _ := strings.Cut(word, "=")
			names[name] = true
		}
		for f := range reflect.TypeOf(known.of).Fields() {
			if !names[f.Name] {
				t.Errorf("%T has a new field %s: carry it in State or RequestState, rebuild it in Rebuild, and say so here", known.of, f.Name)
			}
			delete(names, f.Name)
		}
		for name := range maps.Keys(names) {
			t.Errorf("%T has no field %s any more", known.of, name)
		}
	}
}

// All that a State can say is said at some moment of this story, and comes back the same at each: a field that is not written, or not read,
// fails here.
func TestStateComesBack(t *testing.T) {
	cfg := Config{Queue: 4, Timeout: time.Second, Deadline: time.Minute, Attempts: 2, Prefetch: 2, Probe: 10 * time.Second, ProbeTimeout: 2 * time.Second}
	d, now, seen := New[int](cfg), time.Millisecond, map[string]bool{}
	look := func() {
		t.Helper()
		first := pack(t, d, func(m int) int { return m })
		_, rebuilt, err := unpack(first, cfg, func(m int) int { return m })
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second := pack(t, rebuilt, func(m int) int { return m }); string(first) != string(second) {
			t.Errorf("was\n%s\nis\n%s", first, second)
		}
		if a, b := d.Describe(), rebuilt.Describe(); a != b {
			t.Errorf("was\n%s\nis\n%s", a, b)
		}
		said(seen, d.State())
		for r := range d.Requests() {
			said(seen, r)
		}
	}
	act := func() (tokens []Token) {
		for a, ok := d.Next(now); ok; a, ok = d.Next(now) {
			look()
			if a.Kind == Deliver {
				tokens = append(tokens, a.Token)
			}
		}
		return tokens
	}
	a, b := d.Join(), d.Join()
	lanes := []*Lane[int]{d.Up(), d.Up(), d.Up()}
	d.Drain(lanes[2])
	look()
	act()
	for m := range 4 {
		d.Request(now, a, m, 5)
	}
	now += time.Millisecond
	tokens := act()
	now += 500 * time.Microsecond
	d.Reply(now, lanes[0], tokens[0])
	d.SetAside(now, lanes[1])
	for m := range 9 {
		d.Request(now, b, m, 7)
	}
	act()
	d.Lost(now, lanes[0])
	act()
	more := d.Up()
	act()
	now += 2 * time.Second // past the timeout
	act()
	d.Lost(now, more)
	look()
	another := d.Up()
	act()
	d.Leave(a)
	now += 2 * time.Minute // past the deadline
	act()
	rests := []*Lane[int]{d.Up(), d.Up(), d.Up()}
	d.Hold(rests[2])
	look()
	act()
	for range 5 { // a probe, and time and again no answer
		now, _ = d.Deadline()
		act()
	}
	d.Drain(another)
	act()
	d.Abort()
	act()
	cfg = Config{Eject: time.Second, Prefetch: 1}
	d = New[int](cfg)
	tellOfEjection(d, &now, func() []Token { look(); return act() })
	for _, of := range []any{State{}, LaneState{}, RequestState{}, Standing{}, Habit{}} {
		for f := range reflect.TypeOf(of).Fields() {
			if name := reflect.TypeOf(of).Name() + "." + f.Name; !seen[name] {
				t.Errorf("%s was never anything but zero in this story: tell more", name)
			}
		}
	}
}

// tellOfEjection has four lanes, of which one fails and another one is slow.
func tellOfEjection(d *Dispatcher[int], now *time.Duration, act func() []Token) {
	var clients []*Client[int]
	for range 5 {
		clients = append(clients, d.Join())
	}
	var lanes []*Lane[int]
	for range 4 {
		lanes = append(lanes, d.Up())
	}
	for i := range 260 {
		for _, c := range clients {
			d.Request(*now, c, 1, 1)
		}
		if i%10 == 0 {
			act()
		}
		for _, ok := d.Next(*now); ok; _, ok = d.Next(*now) {
		}
		*now += time.Millisecond
		for n, l := range lanes {
			r := l.held.front()
			switch {
			case r == nil:
			case n == 2 && i > 30:
				d.ReplyError(*now, l, r.token())
			case n != 3 || i < 30 || i%9 == 0:
				d.Reply(*now, l, r.token())
			}
		}
	}
	d.Reply(*now, lanes[3], lanes[3].held.front().token())
	act()
	for range 3 {
		*now += time.Second
		act()
	}
}

// said notes which fields of a struct, and of the structs in its slices, are not zero.
func said(seen map[string]bool, of any) {
	v := reflect.ValueOf(of)
	for f, field := range v.Fields() {
		if field.IsZero() {
			continue
		}
		seen[v.Type().Name()+"."+f.Name] = true
		switch all := field.Interface().(type) {
		case []LaneState:
			for _, l := range all {
				said(seen, l)
			}
		case []Habit:
			for _, h := range all {
				said(seen, h)
			}
		case Standing:
			said(seen, all)
		}
	}
}

// What cannot be is refused in words.
func TestRebuildRefuses(t *testing.T) {
	good := func() (State, []RequestState) {
		return State{
				Clients: []uint64{1, 2}, Lanes: []LaneState{{ID: 1}, {ID: 2}}, Turns: []uint64{1}, Free: []uint64{2},
				Requests: 2, Joined: 2, Upped: 2, Deliveries: 7,
			}, []RequestState{
				{Index: 0, Client: 1, Size: 3, Arrived: 2, Age: 2},
				{Index: 1, Client: 2, Lane: 1, Delivery: 7, Size: 3, Arrived: 1, Age: 1},
			}
	}
	for _, c := range []struct {
		spoil func(*State, []RequestState)
		want  string
	}{
		{func(*State, []RequestState) {}, ""},
		{func(s *State, _ []RequestState) { s.Requests = -1 }, "cannot have -1 requests"},
		{func(s *State, _ []RequestState) { s.Requests = 1 << 40 }, "cannot have 1099511627776 requests"},
		{func(s *State, _ []RequestState) { s.Requests = 3 }, "there are 2 requests of 3"},
		{func(s *State, _ []RequestState) { s.Clients[1] = 1 }, "there cannot be a client 1, or not twice"},
		{func(s *State, _ []RequestState) { s.Lanes[1].ID = 0 }, "there cannot be a lane 0, or not twice"},
		{func(s *State, _ []RequestState) { s.Turns = nil }, "client #1 counts 1 waiting and has 1; turn false"},
		{func(s *State, _ []RequestState) { s.Turns = []uint64{2, 1} }, "client #2 counts 0 waiting"},
		{func(s *State, _ []RequestState) { s.Turns = []uint64{1, 1} }, "client 1 cannot have a turn"},
		{func(s *State, _ []RequestState) { s.Paused = []uint64{9} }, "client 9 cannot be paused"},
		{func(s *State, _ []RequestState) { s.Free = []uint64{2, 2} }, "lane 2 cannot be free"},
		{func(s *State, _ []RequestState) { s.Drained = []uint64{2} }, "lane 2 cannot be drained"},
		{func(s *State, _ []RequestState) { s.Timed = []uint64{2} }, "the time of lane 2 cannot run"},
		{func(s *State, _ []RequestState) { s.Resting = []uint64{1} }, "lane 1 cannot wait for a probe"},
		{func(s *State, _ []RequestState) { s.Fresh = []uint64{2, 2} }, "lane 2 cannot wait for a probe"},
		{func(s *State, _ []RequestState) { s.Probed = []uint64{2} }, "lane 2 cannot wait for a probe"},
		{func(s *State, _ []RequestState) { s.Lanes[0].Probe = 7<<32 | noRequest }, "lane #1 waits for a probe: false; holds 1"},
		{func(s *State, _ []RequestState) { s.Lanes[1].Probe = 7 << 32 }, "lane 2 cannot have a probe 0x700000000"},
		{func(s *State, _ []RequestState) { s.Lanes[1].Failures = -1 }, "nor failed -1"},
		{func(s *State, _ []RequestState) {
			s.Lanes = append(s.Lanes, LaneState{ID: 3})
			s.Lanes[1].Pulsed, s.Resting = 2, []uint64{2, 3}
		}, "lane 3 is listed as having waited less than lane 2"},
		{func(s *State, _ []RequestState) { s.Habits = []Habit{{Client: 3}} }, "client 3 cannot be used to"},
		{func(s *State, _ []RequestState) { s.Habits = []Habit{{Client: 1, Slow: -1}} }, "client 1 cannot be used to"},
		{func(s *State, _ []RequestState) { s.Ejected = []uint64{1} }, "lane 1 cannot be ejected"},
		{func(s *State, _ []RequestState) { s.Verdicts = []uint64{1} }, "there is nothing to tell of lane 1"},
		{func(s *State, _ []RequestState) { s.Spare = []uint64{2} }, "lane 2 cannot be free"},
		{func(s *State, _ []RequestState) { s.Lanes[0].Standing.Slow = slowAt + 1 }, "lane 1 cannot have worked like this"},
		{func(s *State, _ []RequestState) { s.Lanes[0].Standing.Fault = Slow }, "lane 1 cannot have worked like this"},
		{func(s *State, _ []RequestState) { s.Lanes[0].Standing.Told = Slow }, "is ejected for 0"},
		{func(s *State, _ []RequestState) { s.Lanes[0].Standing.Pace = 1 }, "lane 1 cannot have worked like this"},
		{func(s *State, _ []RequestState) { s.Lanes[0].Owed = []Token{1} }, "lane #1 is set aside and holds 1"},
		{func(_ *State, r []RequestState) { r[1].Index = 0 }, "cannot have request 0 twice"},
		{func(_ *State, r []RequestState) { r[0].Client = 3 }, "there is no such client or lane"},
		{func(_ *State, r []RequestState) { r[1].Lane = 3 }, "there is no such client or lane"},
		{func(_ *State, r []RequestState) { r[0].Index = 1 << 30 }, "a number is out of its bounds"},
		{func(_ *State, r []RequestState) { r[0].Age = 3 }, "a number is out of its bounds"},
		{func(_ *State, r []RequestState) { r[1].Ended = true }, "it has ended and is at a lane"},
		{func(_ *State, r []RequestState) { r[1].Delivery = 0 }, "it is at a lane and was never delivered"},
		{func(_ *State, r []RequestState) { r[0].Late = true }, "it is late and at no lane"},
		{func(_ *State, r []RequestState) { r[0].Client = 0 }, "it waits, and its client has left"},
		{func(_ *State, r []RequestState) { r[0].Age = 0 }, "its deadline does not run"},
		{func(_ *State, r []RequestState) { r[0].Age = 1 }, "another one is as old"},
		{func(_ *State, r []RequestState) { r[0].Arrived = 0 }, "is listed as younger"},
	} {
		s, r := good()
		c.spoil(&s, r)
		text, _ := json.Marshal(parcel{s, r, make([]int, len(r))})
		_, _, err := unpack(text, Config{Prefetch: 1, Probe: time.Second, Eject: time.Second}, func(m int) int { return m })
		if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && !strings.Contains(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// FuzzRebuild makes Dispatchers of anything. One that is made can be used.
func FuzzRebuild(f *testing.F) {
	d := New[int](Config{Queue: 2, Timeout: 1, Probe: 1})
	for range 3 {
		c := d.Join()
		d.Up()
		for m := range 3 {
			d.Request(1, c, m, m)
		}
	}
	f.Add(pack(f, d, func(m int) int { return m }))
	for range 4 {
		d.Next(1)
	}
	f.Add(pack(f, d, func(m int) int { return m }))
	rests := New[int](Config{Probe: 1, ProbeTimeout: 1})
	for n := range time.Duration(5) {
		rests.Up()
		rests.Next(n)
		f.Add(pack(f, rests, func(m int) int { return m }))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg := Config{Queue: 3, Timeout: time.Second, Deadline: time.Minute, Probe: time.Second, Eject: time.Second}
		b, d, err := unpack(text, cfg, func(m int) int { return m })
		if err != nil {
			return
		}
		const enough = 10_000
		for now, n := time.Duration(0), 0; n < enough; n++ {
			a, ok := d.Next(now)
			if a.Kind == Deliver {
				d.Reply(now, a.Lane, a.Token)
			}
			if !ok && now > 0 {
				break
			} else if !ok {
				now = time.Hour
			}
		}
		for _, l := range b.lanes {
			d.Lost(2*time.Hour, l)
		}
		if err := d.Check(); err != nil {
			t.Error(err)
		}
	})
}
