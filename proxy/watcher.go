package proxy

import (
	"slices"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
)

// watcherBehind is how many turns' events a watcher may leave unread. One that falls further behind is cut off, and has to ask anew: it
// then gets the lanes as they are.
const watcherBehind = 1024

// watcher is somebody who follows the lanes.
type watcher struct {
	events chan []control.Event // closed when cut off
}

// watch adds a watcher; the lanes there are come first.
func (s *lanes) watch() *watcher {
	w := &watcher{events: make(chan []control.Event, watcherBehind)}
	var now []control.Event
	for _, ln := range s.list {
		if ln.told {
			now = append(now, control.Event{Kind: control.LaneUp, At: time.Now(), Lane: ln.view()})
		}
	}
	now = append(now, control.Event{Kind: control.Listed, At: time.Now()})
	w.events <- now
	s.watchers = append(s.watchers, w)
	return w
}

// unwatch removes a watcher.
func (s *lanes) unwatch(w *watcher) {
	s.watchers = slices.DeleteFunc(s.watchers, func(other *watcher) bool { return other == w })
}

// tell keeps an event for the end of the turn.
func (s *lanes) tell(e control.Event) {
	if len(s.watchers) > 0 {
		s.unread = append(s.unread, e)
	}
}

// publish gives the watchers what happened in this turn.
func (s *lanes) publish() {
	if len(s.unread) == 0 {
		return
	}
	s.watchers = slices.DeleteFunc(s.watchers, func(w *watcher) bool {
		select {
		case w.events <- s.unread:
			return false
		default:
			close(w.events)
			return true
		}
	})
	s.unread = nil
}
