package dispatch

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestScripts tells the stories in testdata. A file begins with `new key=value…` and goes on with blocks of `do`, one event a line:
//
//	join A…   leave A   up W…   lost W   aside W   drain W   hold W   resume W   clock D   abort
//	request A M… [size=N]   queues messages, of 1 byte unless told
//	error W T…              the same as reply, with errors
//	ask A N [W=…]…          N times, A asks and is answered after a millisecond; W answers after that time, or with an error. Says who answered
//	reply W T               T is a delivery in the output (t1), the same with a later generation (t1+1), or a number (#77)
//	answer W T [wrong]      to a probe
//	next [N]                takes what there is to do, or N of it
//	deadline                when there will be a stuck lane, or an overdue request
//	load                    what has been waited and worked
//
// and of `hand-over key=value…`, to a dispatcher with these settings.
//
//	describe
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *script
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "new":
				s = newScript(t, d)
				return ""
			case "do":
				return s.do(d)
			case "hand-over":
				s.handOver(t, scanConfig(t, d))
				return s.d.Describe()
			}
			d.Fatalf(t, "unknown directive %s", d.Cmd)
			return ""
		})
	})
}

type script struct {
	d       *Dispatcher[string]
	now     time.Duration
	clients map[string]*Client[string]
	lanes   map[string]*Lane[string]
	tokens  map[string]Token
	out     strings.Builder
}

func newScript(t *testing.T, d *datadriven.TestData) *script {
	cfg := scanConfig(t, d)
	return &script{
		d: New[string](cfg), clients: map[string]*Client[string]{}, lanes: map[string]*Lane[string]{}, tokens: map[string]Token{},
	}
}

func scanConfig(t *testing.T, d *datadriven.TestData) (cfg Config) {
	var target, timeout, deadline, probe, probeTimeout, eject string
	d.MaybeScanArgs(t, "prefetch", &cfg.Prefetch)
	d.MaybeScanArgs(t, "attempts", &cfg.Attempts)
	d.MaybeScanArgs(t, "queue", &cfg.Queue)
	d.MaybeScanArgs(t, "bytes", &cfg.QueueBytes)
	d.MaybeScanArgs(t, "reject", &cfg.Reject)
	d.MaybeScanArgs(t, "once", &cfg.Once)
	d.MaybeScanArgs(t, "probe-failures", &cfg.ProbeFailures)
	for key, to := range map[string]struct {
		text *string
		d    *time.Duration
	}{
		"target": {&target, &cfg.Target}, "timeout": {&timeout, &cfg.Timeout}, "deadline": {&deadline, &cfg.Deadline},
		"probe": {&probe, &cfg.Probe}, "probe-timeout": {&probeTimeout, &cfg.ProbeTimeout},
	} {
		if d.MaybeScanArgs(t, key, to.text) {
			*to.d, _ = time.ParseDuration(*to.text)
		}
	}
	if d.MaybeScanArgs(t, "eject", &eject) {
		cfg.Eject, _ = time.ParseDuration(eject)
	}
	d.MaybeScanArgs(t, "most", &cfg.MaxEjected)
	return cfg
}

func (s *script) do(d *datadriven.TestData) string {
	s.out.Reset()
	for line := range strings.Lines(d.Input) {
		if words := strings.Fields(line); len(words) > 0 {
			s.event(words[0], words[1:])
		}
	}
	return s.out.String()
}

func (s *script) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *script) event(what string, args []string) {
	switch what {
	case "join":
		for _, name := range args {
			s.clients[name] = s.d.Join()
			s.clients[name].Data = name
		}
	case "up":
		for _, name := range args {
			s.lanes[name] = s.d.Up()
			s.lanes[name].Data = name
		}
	case "leave":
		s.d.Leave(s.clients[args[0]])
	case "lost":
		s.d.Lost(s.now, s.lanes[args[0]])
	case "withdrawn":
		s.d.Withdrawn(s.now, s.lanes[args[0]])
	case "aside":
		s.d.SetAside(s.now, s.lanes[args[0]])
	case "drain":
		s.d.Drain(s.lanes[args[0]])
	case "hold":
		s.d.Hold(s.lanes[args[0]])
	case "resume":
		s.d.Resume(s.lanes[args[0]])
	case "answer":
		s.answer(args)
	case "clock":
		by, err := time.ParseDuration(args[0])
		if err != nil {
			s.say("%v", err)
		}
		s.now += by
	case "request":
		s.request(args[0], args[1:])
	case "reply":
		s.reply(args[0], args[1], s.d.Reply)
	case "error":
		for _, token := range args[1:] {
			s.reply(args[0], token, s.d.ReplyError)
		}
	case "ask":
		s.ask(args[0], args[1], args[2:])
	case "abort":
		s.d.Abort()
	case "next":
		s.next(args)
	case "deadline":
		s.deadline()
	case "load":
		l := s.d.Load(s.now)
		s.say("at %v, oldest %v; %d delivered, waited %dus; %d answered, busy %dus, %d working", s.now, l.Oldest, l.Delivered, l.Waited,
			l.Answered, l.Busy, l.Working)
	case "describe":
		s.out.WriteString(s.d.Describe())
	default:
		s.say("unknown event %s", what)
	}
}

func (s *script) deadline() {
	if at, ok := s.d.Deadline(); ok {
		s.say("at %v, deadline %v", s.now, at)
	} else {
		s.say("at %v, no deadline", s.now)
	}
}

func (s *script) request(client string, messages []string) {
	size := 1
	if last := messages[len(messages)-1]; strings.HasPrefix(last, "size=") {
		size, _ = strconv.Atoi(last[len("size="):])
		messages = messages[:len(messages)-1]
	}
	for _, m := range messages {
		s.d.Request(s.now, s.clients[client], m, size)
	}
}

func (s *script) reply(lane, name string, reply func(time.Duration, *Lane[string], Token) (*Client[string], string, bool)) {
	c, m, ok := reply(s.now, s.lanes[lane], s.token(name))
	switch {
	case !ok && s.d.Late(s.now, s.lanes[lane], s.token(name)):
		s.say("%s names nothing at %s, which is back", name, lane)
	case !ok:
		s.say("%s names nothing at %s", name, lane)
	case c == nil:
		s.say("%s answered, nobody waits", m)
	default:
		s.say("%s answered to %s", m, c.Data)
	}
}

func (s *script) answer(args []string) {
	l, t := s.lanes[args[0]], s.token(args[1])
	if _, _, ok := s.d.Reply(s.now, l, t); ok {
		s.say("%s is a request's", args[1])
	}
	switch failures, well, ok := s.d.Probed(l, t, len(args) == 2); {
	case !ok:
		s.say("%s is no probe of %s", args[1], args[0])
	case well:
		s.say("%s is well again", args[0])
	default:
		s.say("%s has failed %d", args[0], failures)
	}
}

// ask lets a client ask for one thing after the other.
func (s *script) ask(client, times string, manners []string) {
	answers := map[string]int{}
	n, _ := strconv.Atoi(times)
	for range n {
		s.d.Request(s.now, s.clients[client], "ask", 1)
		if !s.answerOne(manners, answers) {
			s.say("nobody takes it")
			break
		}
	}
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		s.say("%s answered %d", name, answers[name])
	}
}

// answerOne answers what is delivered, in the lane's manner, and does what else there is to do.
func (s *script) answerOne(manners []string, answers map[string]int) (delivered bool) {
	for a, ok := s.d.Next(s.now); ok; a, ok = s.d.Next(s.now) {
		if a.Kind != Deliver {
			s.action(a)
			continue
		}
		delivered = true
		name, reply, took := a.Lane.Data.(string), s.d.Reply, time.Millisecond
		for _, m := range manners {
			if how, its := strings.CutPrefix(m, name+"="); its && how == "error" {
				reply = s.d.ReplyError
			} else if its {
				took, _ = time.ParseDuration(how)
			}
		}
		s.now += took
		reply(s.now, a.Lane, a.Token)
		answers[name]++
	}
	return delivered
}

func (s *script) token(name string) Token {
	if raw, ok := strings.CutPrefix(name, "#"); ok {
		n, _ := strconv.ParseUint(raw, 0, 64)
		return Token(n)
	}
	name, later, _ := strings.Cut(name, "+")
	n, _ := strconv.Atoi(later)
	if s.tokens[name] == 0 {
		s.say("no delivery is called %s", name)
	}
	return s.tokens[name] + Token(n)<<32
}

func (s *script) next(args []string) {
	n := -1
	if len(args) > 0 {
		n, _ = strconv.Atoi(args[0])
	}
	for ; n != 0; n-- {
		a, ok := s.d.Next(s.now)
		if !ok {
			s.say("nothing to do")
			return
		}
		s.action(a)
	}
}

// because is the causes that go without saying left out.
var because = map[Cause]string{Rejected: ": rejected", Overdue: ": overdue", LaneLost: ": lane lost"}

func (s *script) action(a Action[string]) {
	switch a.Kind {
	case Deliver:
		name := fmt.Sprintf("t%d", len(s.tokens)+1)
		s.tokens[name] = a.Token
		s.say("deliver %s to %s as %s", a.Message, a.Lane.Data, name)
	case Fail:
		s.say("fail %s of %s after %d%s", a.Message, a.Client.Data, a.Attempts, because[a.Cause])
	case Discard:
		s.say("discard %s", a.Message)
	case Pause:
		s.say("pause %s", a.Client.Data)
	case Resume:
		s.say("resume %s", a.Client.Data)
	case Drained:
		s.say("drained %s", a.Lane.Data)
	case Stuck:
		s.say("stuck %s", a.Lane.Data)
	case Probe:
		name := fmt.Sprintf("t%d", len(s.tokens)+1)
		s.tokens[name] = a.Token
		s.say("probe %s as %s", a.Lane.Data, name)
	case Unanswered:
		s.say("no answer from %s, %d in a row", a.Lane.Data, a.Attempts)
	case Ejected:
		e, _ := a.Lane.Ejected()
		s.say("ejected %s until %v: %s", a.Lane.Data, e.Until, [...]string{Failing: "failing",
			Slow: fmt.Sprintf("takes %v, others %v", e.Took, e.Others)}[e.Fault])
	case Back:
		s.say("back %s", a.Lane.Data)
	}
}

// handOver puts a dispatcher with other settings in the place of the one that there is.
func (s *script) handOver(t *testing.T, cfg Config) {
	var messages []string
	text := pack(t, s.d, func(m string) int {
		messages = append(messages, m)
		return len(messages) - 1
	})
	b, d, err := unpack(text, cfg, func(n int) string { return messages[n] })
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range s.clients {
		if s.clients[name] = b.Client(c.ID()); s.clients[name] != nil {
			s.clients[name].Data = name
		}
	}
	for name, l := range s.lanes {
		if s.lanes[name] = b.Lane(l.ID()); s.lanes[name] != nil {
			s.lanes[name].Data = name
		}
	}
	s.d = d
}
