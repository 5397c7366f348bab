package timeline

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Words says what happened in one sentence without its subject: exited with status 3 after 4.2s.
func (e Event) Words() string {
	d := e.data()
	switch e.Kind {
	case FleetStarted:
		return joined(fmt.Sprintf("the fleet starts (pid %d)", d.Pid), e.Reason)
	case FleetLost:
		return "the fleet before this one ended without a word: its supervisor was killed, or the machine went down"
	case FleetEnding:
		return joined("the fleet was asked to end"+by(d.By), e.Reason)
	case FleetEnded:
		return "the fleet has ended"
	case ServiceUp:
		return joined("up", e.Reason)
	case ServiceAdded:
		return "added" + by(d.By)
	case ServiceGoing:
		return joined("removed"+by(d.By), e.Reason)
	case ServiceGone:
		return "nothing is left of it, its ports are closed"
	case Scaled:
		return joined(scaled(d), e.Reason)
	case Auto:
		return "left to autoscaling" + by(d.By)
	case Reloaded:
		return "declared otherwise" + by(d.By)
	case Rolling, RollFrozen, RollDone, RollUndone:
		return joined(fmt.Sprintf("%s, %d of %d replaced", rolls[e.Kind], d.Done, d.Of)+by(d.By), e.Reason)
	case Upgrading, Upgraded, NotUpgraded:
		return joined(upgrades[e.Kind]+by(d.By), e.Reason)
	case Adopted, NotAdopted:
		return e.left(d)
	case Started:
		return joined(fmt.Sprintf("started (pid %d)", d.Pid), e.Reason)
	case Ready:
		return cmp.Or(e.Reason, "ready") + after(d.After)
	case Late, Exited, Draining, Drained:
		return e.ended(d)
	case Unready:
		return joined("not ready", e.Reason)
	case Killed:
		return joined("killed", e.Reason)
	case Backoff:
		return again(d.RetryIn)
	case Crashloop:
		return joined("in a crash loop", e.Reason) + ": " + again(d.RetryIn)
	case Dropped:
		return joined("is not wanted any more", e.Reason)
	case GaveUp:
		return joined("is not started again", e.Reason)
	case LaneEjected:
		return joined(lane(e)+" gets no requests for "+d.RetryIn.String(), e.Reason)
	case LaneBack:
		return lane(e) + " gets requests again: " + e.Reason
	}
	return joined(strings.ReplaceAll(string(e.Kind), "_", " "), e.Reason)
}

func (e Event) ended(d Data) string {
	switch e.Kind {
	case Draining:
		return joined("told to stop", e.Reason)
	case Drained:
		return cmp.Or(e.Reason, "holds no request any more")
	case Late:
		return e.Reason
	}
	text := cmp.Or(e.Reason, "exited")
	if d.Rung != "" {
		text = "stopped as asked: " + d.Rung
	}
	if d.Rung == "handed over" { // by itself
		text = "handed over to another proxy"
	}
	text += after(d.After)
	if last := len(d.LastLines) - 1; last >= 0 && d.Status != nil && *d.Status > 0 { // it mostly says why
		text += ": " + d.LastLines[last]
	}
	return text
}

var rolls = map[Kind]string{
	Rolling: "rolling restart", RollFrozen: "rolling restart frozen", RollDone: "rolling restart done", RollUndone: "rolling restart undone",
}

// lane names a foreign worker by its connection; any other is the event's subject.
func lane(e Event) string {
	if e.Worker == "" {
		return "a worker at " + e.data().Peer + " that zfleet did not start"
	}
	return "it"
}

var upgrades = map[Kind]string{
	Upgrading: "a new proxy is to take over", Upgraded: "a new proxy has taken over", NotUpgraded: "no new proxy has taken over",
}

// left is what became of a proxy that a killed supervisor left.
func (e Event) left(d Data) string {
	clients, waiting := 0, 0
	if d.Clients != nil && d.Waiting != nil {
		clients, waiting = *d.Clients, *d.Waiting
	}
	what := fmt.Sprintf("pid %d, %d clients, %d waiting", d.Pid, clients, waiting)
	if e.Kind == NotAdopted {
		return joined(fmt.Sprintf("proxy of %s not adopted: %s", e.Service, what), e.Reason)
	}
	return fmt.Sprintf("adopted proxy of %s: %s", e.Service, what)
}

func scaled(d Data) string {
	text := "scaled"
	if d.Was != nil && d.Want != nil {
		text = fmt.Sprintf("scaled %d → %d", *d.Was, *d.Want)
	}
	return text + by(d.By)
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}

func after(d Duration) string {
	if d == 0 {
		return ""
	}
	return " after " + d.String()
}

func again(in Duration) string {
	if in <= 0 {
		return "starts again at once"
	}
	return "starts again in " + in.String()
}

func joined(text, reason string) string {
	if reason == "" {
		return text
	}
	return text + ": " + reason
}

// Subject is whom an event is about: a worker, else a service, else the fleet.
func (e Event) Subject() string { return cmp.Or(e.Worker, e.Service, "fleet") }

// ago is how long before now something was, for people.
func ago(now, then time.Time) Duration { return Duration(max(now.Sub(then), 0).Round(time.Second)) }
