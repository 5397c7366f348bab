package fleet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestScripts tells the core's stories, one a file. The commands:
//
//	fleet [max-starting=4]       a new fleet; input: a line a service, NAME [count=3] [start-timeout=30s] [failures=5] [no-restart=78]
//	                             [max-unhealthy=1] [max-unhealthy=25%] [max-requests=1000] [max-age=1h]
//	                             [memory-max=MIB] [max-surge=1] [max-surge=25%] [auto=MAX] [min-ready=10s]
//	begin                        the first Step
//	launched LIFE pid=7          the process exists
//	ready LIFE…                  they became ready
//	unready LIFE… reason=(…) [declined]
//	                             it became unready
//	hung LIFE… reason=(…) [silent]
//	drained LIFE…                their drains ended
//	exit LIFE… [code=1] [signal=SIGKILL] [reason=(…)] [permanent] [rung=drained] [dump=SIGQUIT] [last=(a line)]
//	scale SERVICE=5
//	autoscale SERVICE=5 reason=(…)
//	auto SERVICE                 the number is left to autoscaling again
//	observed SERVICE LIFE=3 …    requests held
//	measured SERVICE LIFE=(REQUESTS, MIB[, stale]) …
//	restart SERVICE | SERVICE/SLOT
//	reload SERVICE KEY=… [proxy] [roll]  it is declared otherwise, with the keys of fleet
//	upgrade SERVICE              its proxy is to be replaced
//	add SERVICE [at=0] KEY=…     it is declared anew, with the keys of fleet; before so many others, or last
//	remove SERVICE
//	continue SERVICE | undo SERVICE
//	shutdown [now]
//	quiesced SERVICE
//	pass 500ms | pass deadline   time goes by, then TimePassed
//	show                         Describe
//
// What a command answers: the actions of its Steps, then the deadline. Jitter is in its middle: none.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{now: time.Unix(0, 0)}
		datadriven.RunTest(t, path, s.run)
	})
}

type script struct {
	now   time.Time
	fleet *Fleet
	out   strings.Builder
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	switch d.Cmd {
	case "fleet":
		s.fleet = New(parseSpec(t, d), func() float64 { return 0.5 })
		return ""
	case "show":
		return s.fleet.Describe()
	case "pass":
		s.pass(t, d)
	default:
		for _, ev := range parseEvents(t, d) {
			s.step(t, ev)
		}
	}
	if at, ok := s.fleet.Deadline(); ok {
		fmt.Fprintf(&s.out, "due +%v\n", at.Sub(s.now))
	}
	return s.out.String()
}

func (s *script) pass(t *testing.T, d *datadriven.TestData) {
	to, ok := s.fleet.Deadline()
	if arg := d.CmdArgs[0].Key; arg != "deadline" {
		to = s.now.Add(duration(t, arg))
	} else if !ok {
		d.Fatalf(t, "there is no deadline")
	}
	s.now = to
	s.step(t, TimePassed{})
}

func (s *script) step(t *testing.T, ev Event) {
	for _, a := range s.fleet.Step(s.now, ev) {
		fmt.Fprintln(&s.out, tell(a))
	}
	if at, ok := s.fleet.Deadline(); ok && !at.After(s.now) {
		t.Fatalf("the deadline %v is not after %v", at, s.now)
	}
}

func tell(a Action) string {
	switch a := a.(type) {
	case Start:
		return fmt.Sprintf("START %v", a.Life)
	case Stop:
		return fmt.Sprintf("STOP %v", a.Life)
	case Kill:
		return fmt.Sprintf("KILL %v: %s", a.Life, a.Reason)
	case Abort:
		return fmt.Sprintf("ABORT %v: %s", a.Life, a.Reason)
	case HealthNote:
		return fmt.Sprintf("  %s degraded=%t: %s", a.Service, a.Degraded, a.Cause)
	case Quiesce:
		return fmt.Sprintf("QUIESCE %s", a.Service)
	case Gone:
		return fmt.Sprintf("GONE %s", a.Service)
	case Finish:
		return "FINISH"
	case UpgradeNote:
		return fmt.Sprintf("  %s proxy %s: %s%s", a.Service, a.To, a.Cause, lastLines(a.LastLines))
	case RollNote:
		line := fmt.Sprintf("  %s is %s, %d of %d: %s", a.Service, a.To, a.Done, a.Of, a.Cause)
		return line + lastLines(a.LastLines)
	case Note:
		line := fmt.Sprintf("  %v %s -> %s: %s", a.Life, a.From, a.To, a.Cause)
		if a.To == StateBackoff || a.To == StateCrashloop {
			line += fmt.Sprintf(" (next in %v)", a.Delay)
		}
		return line
	default:
		return fmt.Sprintf("unknown action %T", a)
	}
}

func lastLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprintf(" (last lines: %s)", strings.Join(lines, "; "))
}

func parseSpec(t *testing.T, d *datadriven.TestData) Spec {
	spec := Spec{Name: "test", MaxStarting: 4}
	d.MaybeScanArgs(t, "max-starting", &spec.MaxStarting)
	for line := range strings.Lines(d.Input) {
		name, args, err := datadriven.ParseLine(line)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		spec.Services = append(spec.Services, parseService(t, d, name, args))
	}
	return spec
}

func parseService(t *testing.T, d *datadriven.TestData, name string, args []datadriven.CmdArg) Service {
	svc := testService(name, 3)
	for _, arg := range args {
		val := arg.SingleVal(t)
		switch arg.Key {
		case "count":
			svc.Workers.Count = integer(t, val)
		case "queue":
			svc.Delivery.Queue = integer(t, val)
		case "start-timeout":
			svc.Workers.StartTimeout = duration(t, val)
		case "failures":
			svc.Restart.Failures = integer(t, val)
		case "no-restart":
			svc.Restart.NoRestart = []int{integer(t, val)}
		case "max-requests":
			svc.Workers.MaxRequests = integer(t, val)
		case "min-ready":
			svc.Workers.MinReady = duration(t, val)
		case "max-age":
			svc.Workers.MaxAge = duration(t, val)
		case "memory-max":
			svc.Workers.MemoryMax = int64(integer(t, val)) << 20
		case "auto":
			svc.Autoscale = Autoscale{Max: integer(t, val)}
		case "max-unhealthy":
			svc.Health.MaxUnhealthy = share(t, val)
		case "max-surge":
			svc.Workers.MaxSurge = share(t, val)
		default:
			d.Fatalf(t, "unknown key %q", arg.Key)
		}
	}
	return svc
}

func testService(name string, count int) Service {
	return Service{
		Name:    name,
		Workers: Workers{Count: count, StartTimeout: 30 * time.Second},
		Restart: Restart{
			Delay:     500 * time.Millisecond,
			MaxDelay:  30 * time.Second,
			Reset:     time.Minute,
			Failures:  5,
			Window:    time.Minute,
			Jitter:    20,
			NoRestart: []int{78},
		},
	}
}

func parseEvents(t *testing.T, d *datadriven.TestData) (events []Event) {
	switch d.Cmd {
	case "begin":
		return []Event{Began{}}
	case "scale":
		return []Event{Scaled{Service: d.CmdArgs[0].Key, Want: integer(t, d.CmdArgs[0].SingleVal(t))}}
	case "autoscale":
		return []Event{AutoScaled{Service: d.CmdArgs[0].Key, Want: integer(t, d.CmdArgs[0].SingleVal(t)), Reason: reason(d)}}
	case "auto":
		return []Event{AutoAsked{Service: d.CmdArgs[0].Key}}
	case "observed":
		ev := Observed{Service: d.CmdArgs[0].Key, Inflight: map[Life]int{}}
		for _, arg := range d.CmdArgs[1:] {
			ev.Inflight[life(t, arg.Key)] = integer(t, arg.SingleVal(t))
		}
		return []Event{ev}
	case "measured":
		ev := Measured{Service: d.CmdArgs[0].Key, Workers: map[Life]Measure{}}
		for _, arg := range d.CmdArgs[1:] {
			ev.Workers[life(t, arg.Key)] = Measure{
				Requests: uint64(integer(t, arg.Vals[0])), Memory: int64(integer(t, arg.Vals[1])) << 20, Stale: len(arg.Vals) > 2,
			}
		}
		return []Event{ev}
	case "restart":
		name, number, one := strings.Cut(d.CmdArgs[0].Key, "/")
		if one {
			return []Event{RestartAsked{Service: name, Slot: integer(t, number)}}
		}
		return []Event{RestartAsked{Service: name, Slot: AllSlots}}
	case "reload":
		return []Event{Reloaded{
			Service: parseService(t, d, d.CmdArgs[0].Key, without(d, "roll", "proxy")), Proxy: d.HasArg("proxy"), Roll: d.HasArg("roll"),
		}}
	case "upgrade":
		return []Event{UpgradeAsked{Service: d.CmdArgs[0].Key}}
	case "add":
		ev := Added{Service: parseService(t, d, d.CmdArgs[0].Key, without(d, "at")), At: 100}
		d.MaybeScanArgs(t, "at", &ev.At)
		return []Event{ev}
	case "remove":
		return []Event{Removed{Service: d.CmdArgs[0].Key}}
	case "continue":
		return []Event{ContinueAsked{Service: d.CmdArgs[0].Key}}
	case "undo":
		return []Event{UndoAsked{Service: d.CmdArgs[0].Key}}
	case "shutdown":
		return []Event{ShutdownAsked{Now: d.HasArg("now")}}
	case "quiesced":
		return []Event{Quiesced{Service: d.CmdArgs[0].Key}}
	}
	for _, arg := range d.CmdArgs {
		if strings.Contains(arg.Key, "/") {
			events = append(events, parseNews(t, d, life(t, arg.Key)))
		}
	}
	return events
}

// without is what follows the service's name, but for one key.
func without(d *datadriven.TestData, keys ...string) []datadriven.CmdArg {
	return slices.DeleteFunc(slices.Clone(d.CmdArgs[1:]), func(arg datadriven.CmdArg) bool { return slices.Contains(keys, arg.Key) })
}

func reason(d *datadriven.TestData) string {
	arg, _ := d.Arg("reason")
	return strings.Join(arg.Vals, ", ")
}

func parseNews(t *testing.T, d *datadriven.TestData, l Life) Event {
	switch d.Cmd {
	case "launched":
		ev := Launched{Life: l}
		d.ScanArgs(t, "pid", &ev.Pid)
		return ev
	case "ready":
		return BecameReady{Life: l}
	case "unready":
		return BecameUnready{Life: l, Reason: reason(d), Declined: d.HasArg("declined")}
	case "hung":
		return Hung{Life: l, Reason: reason(d), Silent: d.HasArg("silent")}
	case "drained":
		return DrainEnded{Life: l}
	case "exit":
		ev := Exited{Life: l, Exit: Exit{Code: -1, Reason: reason(d), Permanent: d.HasArg("permanent")}}
		d.MaybeScanArgs(t, "code", &ev.Exit.Code)
		d.MaybeScanArgs(t, "signal", &ev.Exit.Signal)
		d.MaybeScanArgs(t, "rung", &ev.Exit.Rung)
		d.MaybeScanArgs(t, "dump", &ev.Exit.Dump)
		if arg, ok := d.Arg("last"); ok {
			ev.Exit.LastLines = []string{strings.Join(arg.Vals, ", ")}
		}
		return ev
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
		return nil
	}
}

func life(t *testing.T, name string) Life {
	l, err := ParseLife(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func integer(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func share(t *testing.T, s string) Share {
	percent, ok := strings.CutSuffix(s, "%")
	if ok {
		return Share{Percent: integer(t, percent)}
	}
	return Share{N: integer(t, s)}
}

func duration(t *testing.T, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
