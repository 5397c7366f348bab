package timeline

import (
	"slices"
	"strings"
	"time"
)

// Story is what became of one worker, life by life. Keys of its JSON may be added, not changed.
type Story struct {
	Worker  string `json:"worker"` // hello/3
	Now     string `json:"now"`    // in words: is ready, for 3m0s
	Next    string `json:"next,omitempty"`
	Earlier int    `json:"earlier,omitempty"` // lives before those that are told
	Lives   []Life `json:"lives"`             // newest first
}

// Life is one process life of a Story.
type Life struct {
	Name    string     `json:"name"` // hello/3#7
	Pid     int        `json:"pid,omitempty"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
	Ran     Duration   `json:"ran"` // until it ended, or now
	// Because is what led to its end, or to its state, the first cause first; the last is how it ended.
	Because   []string `json:"because"`
	Status    *int     `json:"status,omitempty"`
	Signal    string   `json:"signal,omitempty"`
	OOM       bool     `json:"oom,omitempty"`
	Rung      string   `json:"rung,omitempty"`
	LastLines []string `json:"last_lines,omitempty"`
	Dump      *Dump    `json:"dump,omitempty"`
	Events    []Event  `json:"events"`

	killed   time.Time // when it was decided to
	orphaned bool      // its fleet ended without a word
}

// Dump is the stack dump that a life was asked for before it was killed. Which lines it printed is found where all are kept.
type Dump struct {
	Signal string    `json:"signal"`
	Since  time.Time `json:"since"` // nothing that it printed before is part of it
	Lines  []string  `json:"lines,omitempty"`
	More   bool      `json:"more,omitempty"` // there are more lines
}

// Tell tells the stories of the workers that the events are about, by slot, in the order in which they first appear. Worker is a slot, or one
// life: then the story is that life's alone. At most so many lives are told of each. Running says whether the fleet runs now.
func Tell(events []Event, worker string, lives int, running bool, now time.Time) []Story {
	t := &teller{now: now, running: running, events: map[uint64]Event{}, slots: map[string][]*Life{}, current: map[string]*Life{}}
	for _, e := range events {
		t.hear(e)
	}
	if !running {
		t.orphan()
	}
	var stories []Story
	for _, slot := range t.order {
		if s := t.story(slot, worker, lives); len(s.Lives) > 0 {
			stories = append(stories, s)
		}
	}
	return stories
}

type teller struct {
	now     time.Time
	running bool
	events  map[uint64]Event
	order   []string
	slots   map[string][]*Life // oldest first
	current map[string]*Life   // by name, those of the fleet that runs, or ran last
	end     Event              // of that fleet
}

func (t *teller) hear(e Event) {
	t.events[e.Seq] = e
	switch {
	case e.Kind == FleetStarted:
		t.current, t.end = map[string]*Life{}, Event{}
	case e.Kind == FleetLost:
		t.orphan()
	case e.Kind == FleetEnding, e.Kind == FleetEnded:
		t.end = e
	case e.Worker != "":
		t.lifeOf(e).hear(e)
	}
}

// orphan ends those whose end nobody could see.
func (t *teller) orphan() {
	for _, l := range t.current {
		l.orphaned = l.Ended == nil
	}
}

// lifeOf finds a life of this start of the fleet: the next start counts from 1 again.
func (t *teller) lifeOf(e Event) *Life {
	if l, known := t.current[e.Worker]; known {
		return l
	}
	slot := SlotOf(e.Worker)
	if _, known := t.slots[slot]; !known {
		t.order = append(t.order, slot)
	}
	l := &Life{Name: e.Worker, Started: e.Time}
	t.current[e.Worker] = l
	t.slots[slot] = append(t.slots[slot], l)
	return l
}

func (l *Life) hear(e Event) {
	l.Events = append(l.Events, e)
	d := e.data()
	switch e.Kind {
	case Started:
		l.Pid, l.Started = d.Pid, e.Time
	case Killed:
		l.killed = e.Time
	case Exited:
		l.Ended, l.Ran = &e.Time, d.After
		if d.Dump != "" {
			l.Dump = &Dump{Signal: d.Dump, Since: l.killed}
		}
		l.Status, l.Signal, l.OOM, l.Rung, l.LastLines = d.Status, d.Signal, d.OOM, d.Rung, d.LastLines
	}
}

func (t *teller) story(slot, worker string, most int) Story {
	all := t.slots[slot]
	s := Story{Worker: slot}
	s.Now, s.Next = t.state(current(all))
	for i := len(all) - 1; i >= 0; i-- {
		l := all[i]
		switch {
		case strings.Contains(worker, "#") && l.Name != worker:
		case len(s.Lives) == most:
			s.Earlier++
		default:
			s.Lives = append(s.Lives, t.finish(*l))
		}
	}
	return s
}

// current is the newest life that runs, or the last one: a new one that was to replace a worker and failed leaves that one where it is.
func current(all []*Life) *Life {
	for _, l := range slices.Backward(all) {
		if l.Ended == nil && !l.orphaned {
			return l
		}
	}
	return all[len(all)-1]
}

// finish fills in what is only known when all is heard.
func (t *teller) finish(l Life) Life {
	if l.Ended == nil && !l.orphaned {
		l.Ran = ago(t.now, l.Started)
	}
	l.Because = t.because(&l)
	return l
}

// because follows the causes back from the life's end, or from the last that is known of it. What every life begins with explains nothing.
func (t *teller) because(l *Life) (words []string) {
	if l.orphaned {
		return []string{"its supervisor ended without a word, and it ended with it"}
	}
	for e, ok := l.last(), true; ok; e, ok = t.cause(e) {
		if e.Kind == FleetStarted || len(words) > 0 && e.begins() {
			break
		}
		words = append([]string{e.Words()}, words...)
	}
	return words
}

// cause is what led to an event. Nothing is its own cause, whatever the file says.
func (t *teller) cause(e Event) (Event, bool) {
	cause, ok := t.events[e.Cause]
	return cause, ok && cause.Seq < e.Seq
}

// begins says whether an event is part of how a life came about, which does not explain its end.
func (e Event) begins() bool {
	switch e.Kind {
	case Started, Ready, Backoff, Crashloop, GaveUp, Dropped:
		return true
	default:
		return false
	}
}

// last is how the life ended, or what was last heard of it.
func (l *Life) last() Event {
	for _, e := range l.Events {
		if e.Kind == Exited {
			return e
		}
	}
	return l.latest()
}

// latest is what was last heard of it. That a connection gets requests again says nothing new.
func (l *Life) latest() Event {
	for _, e := range slices.Backward(l.Events) {
		if e.Kind != LaneBack && e.Kind != LaneEjected {
			return e
		}
	}
	return l.Events[len(l.Events)-1]
}

// state says what a slot does now, and what will be done next, by its newest life.
func (t *teller) state(l *Life) (now, next string) {
	last := l.latest()
	switch {
	case !t.running && t.end.Kind == FleetEnded:
		return "does not run: the fleet has ended, " + ago(t.now, t.end.Time).String() + " ago", ""
	case !t.running:
		return "does not run: its supervisor ended without a word, it was killed, or the machine went down", ""
	case l.orphaned:
		return "does not run: it was one of the fleet before this one", ""
	}
	return t.doing(last, " for "+ago(t.now, last.Time).String())
}

func (t *teller) doing(last Event, long string) (now, next string) {
	switch last.Kind {
	case Started:
		return "is starting," + long, ""
	case Ready:
		return "is ready," + long, ""
	case Unready:
		return joined("is unready,"+long, last.Reason), ""
	case Hung, Late, Killed:
		return "is being killed," + long, "when it is gone it is started again"
	case Draining, Drained:
		return "is stopping," + long, "it is not started again: it was asked to stop"
	case Backoff:
		return "is in backoff", t.retry(last)
	case Crashloop:
		return joined("is in a crash loop", last.Reason), t.retry(last)
	case GaveUp:
		return joined("is stopped", last.Reason),
			"it is not started again by itself: mend what is wrong, then zfleet restart " + SlotOf(last.Worker)
	case Dropped:
		return joined("is not wanted any more", last.Reason), ""
	case Exited:
		return "is not wanted any more: it was stopped " + ago(t.now, last.Time).String() + " ago", ""
	}
	return last.Words(), ""
}

func (t *teller) retry(e Event) string {
	left := e.Time.Add(time.Duration(e.data().RetryIn)).Sub(t.now)
	if left <= 0 {
		return "it starts again when it is its turn"
	}
	return "it " + again(Duration(left))
}
