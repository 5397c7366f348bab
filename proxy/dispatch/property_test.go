package dispatch

import (
	"flag"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A hundred cases, rapid's default, take too few milliseconds; the flag still decides.
func init() { _ = flag.Set("rapid.checks", "1000") }

// TestProperties lets anything happen in any order and checks each answer with what an onlooker knows. Then it brings everything to an end
// and checks that each request had exactly one outcome.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Prefetch:      rapid.SampledFrom([]int{0, 0, 1, 2, 5, MaxPrefetch}).Draw(t, "prefetch"),
			Target:        200 * time.Microsecond,
			Attempts:      rapid.IntRange(1, 4).Draw(t, "attempts"),
			Queue:         rapid.SampledFrom([]int{1, 2, 3, 8, 20, 1000}).Draw(t, "queue"),
			QueueBytes:    rapid.SampledFrom([]int64{1, 100, 1 << 30}).Draw(t, "bytes"),
			Once:          rapid.SampledFrom([]bool{false, false, true}).Draw(t, "once"),
			Reject:        rapid.Bool().Draw(t, "reject"),
			Timeout:       rapid.SampledFrom([]time.Duration{0, 1, 2000, 300_000, 20_000_000}).Draw(t, "timeout"),
			Deadline:      rapid.SampledFrom([]time.Duration{0, 0, 1, 2000, 300_000, 20_000_000}).Draw(t, "deadline"),
			Probe:         rapid.SampledFrom([]time.Duration{0, 1, 2000, 300_000, 20_000_000}).Draw(t, "probe"),
			ProbeTimeout:  rapid.SampledFrom([]time.Duration{1, 3000, 10_000_000}).Draw(t, "probe timeout"),
			ProbeFailures: rapid.IntRange(1, 3).Draw(t, "probe failures"),
			Eject:         rapid.SampledFrom([]time.Duration{0, 1, 100_000, 20_000_000}).Draw(t, "eject"),
			MaxEjected:    rapid.SampledFrom([]int{1, 50, 100}).Draw(t, "most ejected"),
		}
		w := &world{t: t, cfg: cfg, d: New[*job](cfg), tokens: map[Token]bool{}}
		for range rapid.IntRange(0, 3).Draw(t, "clients") {
			w.join()
		}
		for range rapid.IntRange(0, 3).Draw(t, "lanes") {
			w.up()
		}
		if cfg.Eject > 0 && len(w.clients) > 0 && rapid.IntRange(0, 3).Draw(t, "experienced at 0") == 0 {
			w.gatherExperience()
		}
		t.Repeat(w.actions())
		w.settle()
	})
}

// gatherExperience lets each lane answer so much that others are compared with it.
func (w *world) gatherExperience() {
	for range jurorAt {
		for i := range w.lanes {
			w.request(w.clients[i%len(w.clients)], 1)
		}
		for w.next() {
		}
		for _, k := range w.lanes {
			for len(k.held) > 0 {
				w.reply(k, k.held[0].token)
			}
		}
	}
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":          func(*rapid.T) { w.checkCounts() },
		"abort":     w.drawAbort,
		"hand over": w.drawHandOver,
		"join":      func(*rapid.T) { w.join() },
		"up":        func(*rapid.T) { w.up() },
		"leave":     w.some(func(t *rapid.T) { w.leave(pick(t, "client", w.clients)) }),
		"lost":      w.some(func(t *rapid.T) { w.lost(pick(t, "lane", w.lanes)) }),
		"withdrawn": w.some(func(t *rapid.T) { w.withdrawn(pick(t, "lane", w.lanes)) }),
		"aside":     w.some(func(t *rapid.T) { w.setAside(pick(t, "lane", w.lanes)) }),
		"late":      w.drawLate,
		"drain":     w.some(func(t *rapid.T) { w.drain(pick(t, "lane", w.lanes)) }),
		"clock": func(t *rapid.T) {
			w.now += time.Duration(rapid.SampledFrom([]int{1, 1000, 50_000, 200_000, 10_000_000}).Draw(t, "ns"))
		},
		"request": w.drawRequests, "request more": w.drawRequests,
		"reply": w.drawReplies, "reply more": w.drawReplies,
		"error": w.drawErrors, "slow": w.drawSlow,
		"wrong token": w.drawWrongToken,
		"answer":      w.drawAnswer, "answer more": w.drawAnswer,
		"hold":     w.some(w.drawHold),
		"deadline": w.waitDeadline,
		"next":     func(t *rapid.T) { w.drawNext(t) },
		"next until nothing": func(*rapid.T) {
			for w.next() {
			}
		},
	}
}

// some skips an action that has nothing to choose from.
func (w *world) some(act func(*rapid.T)) func(*rapid.T) {
	return func(t *rapid.T) {
		if len(w.clients) == 0 || len(w.lanes) == 0 {
			t.Skip("nothing there")
		}
		act(t)
	}
}

func pick[T any](t *rapid.T, what string, from []T) T { return rapid.SampledFrom(from).Draw(t, what) }

func (w *world) drawRequests(t *rapid.T) {
	if len(w.clients) == 0 {
		t.Skip("no client")
	}
	p := pick(t, "client", w.clients)
	for range rapid.SampledFrom([]int{1, 1, 2, 5, 300}).Draw(t, "n") {
		w.request(p, rapid.SampledFrom([]int{0, 1, 30, 200}).Draw(t, "size"))
	}
}

// drawAbort is rare: there is little to see after it.
func (w *world) drawAbort(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "abort at 9") == 9 {
		w.abort()
	}
}

// waitDeadline sleeps like the shell: until just before the deadline there is nothing more to do, and at the deadline a lane is stuck or a
// request is overdue.
func (w *world) waitDeadline(t *rapid.T) {
	for w.next() {
	}
	at, ok := w.d.Deadline()
	if !ok {
		t.Skip("no deadline")
	}
	if at <= w.now {
		w.t.Fatalf("nothing to do at %v, after the deadline %v", w.now, at)
	}
	if w.now = at - 1; w.next() {
		w.t.Fatal("something to do before the deadline")
	}
	before := w.news()
	if w.now = at; w.next() == (w.news() == before) {
		w.t.Fatal("not what the deadline was for")
	}
	i := slices.IndexFunc(w.lanes, func(k *worker) bool { return k.stuck && k.oldestAt == at-w.cfg.Timeout })
	if i < 0 {
		return
	}
	switch rapid.IntRange(0, 2).Draw(t, "lose it, or set it aside") {
	case 1:
		w.lost(w.lanes[i])
	case 2:
		w.setAside(w.lanes[i])
	}
}

// news is how often there was something that a deadline is for.
func (w *world) news() int {
	return w.stuck + w.overdue + w.backs + w.probes + int(w.given+w.redelivered)
}

func (w *world) drawNext(t *rapid.T) {
	for range rapid.IntRange(1, 5).Draw(t, "n") {
		if !w.next() {
			return
		}
	}
}

// drawReplies lets a lane answer, in order or not.
func (w *world) drawReplies(t *rapid.T) {
	busy := slices.DeleteFunc(slices.Clone(w.lanes), func(k *worker) bool { return len(k.held) == 0 })
	if len(busy) == 0 {
		t.Skip("nothing to answer")
	}
	k := pick(t, "lane", busy)
	for n := rapid.SampledFrom([]int{1, 1, 2, 50}).Draw(t, "n"); n > 0 && len(k.held) > 0; n-- {
		i := 0
		if rapid.Bool().Draw(t, "out of order") {
			i = rapid.IntRange(0, len(k.held)-1).Draw(t, "which")
		}
		w.reply(k, k.held[i].token)
	}
}

// drawErrors lets a lane answer with errors, as it comes to what it gets.
func (w *world) drawErrors(t *rapid.T) {
	w.drawWork(t, func(k *worker) { w.replyError(k, k.held[0].token) })
}

// drawSlow lets a lane take long.
func (w *world) drawSlow(t *rapid.T) {
	took := time.Duration(rapid.SampledFrom([]int{1_000_000, 30_000_000}).Draw(t, "took"))
	w.drawWork(t, func(k *worker) {
		w.now += took
		w.reply(k, k.held[0].token)
	})
}

// drawWork lets everybody ask, and a lane answer in its manner; others answer at once.
func (w *world) drawWork(t *rapid.T, answer func(*worker)) {
	if len(w.clients) == 0 || len(w.lanes) == 0 {
		t.Skip("nobody there")
	}
	k := pick(t, "lane", w.lanes)
	for range rapid.SampledFrom([]int{1, 8, 25}).Draw(t, "n") {
		for range w.lanes { // a doubtful one gets what others have no room for
			w.request(pick(t, "client", w.clients), 1)
		}
		for w.next() {
		}
		for _, other := range slices.Clone(w.lanes) {
			switch {
			case len(other.held) == 0:
			case other == k:
				answer(k)
			default:
				w.reply(other, other.held[0].token)
			}
		}
	}
}

// drawLate lets a lane that is set aside answer what it owes, in order or not.
func (w *world) drawLate(t *rapid.T) {
	aside := slices.DeleteFunc(slices.Clone(w.lanes), func(k *worker) bool { return len(k.owed) == 0 })
	if len(aside) == 0 {
		t.Skip("nothing is late")
	}
	k := pick(t, "lane", aside)
	for n := rapid.SampledFrom([]int{1, 2, 50}).Draw(t, "n"); n > 0 && len(k.owed) > 0; n-- {
		w.reply(k, k.owed[rapid.IntRange(0, len(k.owed)-1).Draw(t, "which")])
	}
}

// drawWrongToken lets a lane answer with anybody's token, an old one, or nonsense near to one.
func (w *world) drawWrongToken(t *rapid.T) {
	if len(w.lanes) == 0 {
		t.Skip("no lane")
	}
	token := Token(rapid.Uint64().Draw(t, "token"))
	if len(w.jobs) > 0 {
		token = pick(t, "job", w.jobs).token + Token(rapid.SampledFrom([]uint64{0, 0, 1, 1 << 32, 1 << 63}).Draw(t, "off by"))
	}
	w.reply(pick(t, "lane", w.lanes), token)
}

func (w *world) checkCounts() {
	n, bytes := w.waiting()
	running := 0
	for _, k := range w.lanes {
		running += len(k.held)
		l := k.l
		if l.Outstanding() != len(k.held) || l.Answered() != k.answered || l.Draining() != k.draining || l.Allowance() != w.allowance(k) ||
			l.Aside() != (len(k.owed) > 0) || l.OnHold() != k.onHold || w.d.Unfit(l) != w.unfit(k) {
			w.t.Fatalf("a lane says %d, %d, %t, %d, %t; not %d, %d, %t, %d, owes %d", l.Outstanding(), l.Answered(), l.Draining(), l.Allowance(),
				l.Aside(), len(k.held), k.answered, k.draining, w.allowance(k), len(k.owed))
		}
	}
	w.checkDeadline()
	w.checkEjected(false)
	for _, p := range w.clients {
		if p.c.Waiting() != len(p.queue) || p.c.Outstanding() != p.running {
			w.t.Fatalf("a client says %d, %d; not %d, %d", p.c.Waiting(), p.c.Outstanding(), len(p.queue), p.running)
		}
	}
	w.checkLoad()
	got := []any{w.d.Waiting(), w.d.WaitingBytes(), w.d.Outstanding(), w.d.Clients(), w.d.Lanes(), w.d.Redelivered(), w.d.Failed()}
	want := []any{n, bytes, running, len(w.clients), len(w.lanes), w.redelivered, w.failed}
	if !slices.Equal(got, want) {
		w.t.Fatalf("counts are %v, not %v", got, want)
	}
}

// settle answers everything, in the end by a lane that lives, and checks that nobody was forgotten.
func (w *world) settle() {
	w.up()
	for w.busy() {
		for w.next() {
		}
		for _, k := range w.lanes {
			if len(k.held) > 0 {
				w.reply(k, k.held[0].token)
			}
		}
	}
	for w.next() {
	}
	w.checkCounts()
	for _, k := range w.lanes {
		for len(k.owed) > 0 {
			w.reply(k, k.owed[0])
		}
	}
	for w.next() {
	}
	for _, j := range w.jobs {
		switch j.state {
		case answered, failed, released:
		default:
			w.t.Fatalf("in the end, a job %s", j.state)
		}
		if j.state == released && !j.owner.left {
			w.t.Fatal("a job is released while its client waits")
		}
	}
	if err := w.d.Check(); err != nil {
		w.t.Fatal(err)
	}
	if live := w.d.slab.live(); live != 0 {
		w.t.Fatalf("%d requests leak", live)
	}
}

func (w *world) busy() bool {
	n, _ := w.waiting()
	for _, k := range w.lanes {
		n += len(k.held)
	}
	return n > 0
}
