package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/systemd"
	"github.com/zfleet/zfleet/supervisor"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

const (
	heraldPause  = 100 * time.Millisecond // between two tellings: twenty workers that come up together are a few lines
	extendEvery  = 5 * time.Second        // while the fleet comes up
	extendBy     = 30 * time.Second
	shownReasons = 3
)

// herald tells the service manager how the fleet is: that it is up, that it ends, in one line how many are ready, and that it lives. All
// it tells comes from the supervisor's loop: when that hangs, the herald does, and the manager's watchdog bites. Its goroutine is run.
type herald struct {
	send     func(states ...string) error
	view     func(context.Context) (fleet.View, error)
	watchdog time.Duration // 0: nobody asks whether it lives
	log      zerolog.Logger
	changed  chan struct{} // holds one when something may have

	ready, stopping bool
	status          string
}

// note is called by the supervisor's loop.
func (h *herald) note() {
	select {
	case h.changed <- struct{}{}:
	default: // it is going to look already
	}
}

// run tells until ctx ends, which it does after the fleet has. Until then it is alive: it is being taken down, and each step of that has its
// bound.
func (h *herald) run(ctx context.Context) {
	beat := time.NewTicker(h.beat())
	defer beat.Stop()
	changed, pause := h.changed, (<-chan time.Time)(nil)
	h.tell(ctx)
	for {
		select {
		case <-ctx.Done():
			h.tell(context.WithoutCancel(ctx)) // it may all have been too quick
			return
		case <-changed:
			changed, pause = nil, time.After(heraldPause)
			h.tell(ctx)
		case <-pause:
			changed, pause = h.changed, nil
		case <-beat.C:
			h.tell(ctx, h.alive()...)
		}
	}
}

// beat is half of what the watchdog allows, as sd_watchdog_enabled(3) has it.
func (h *herald) beat() time.Duration {
	if h.watchdog == 0 {
		return extendEvery
	}
	return min(max(h.watchdog/2, time.Millisecond), extendEvery)
}

func (h *herald) alive() []string {
	if h.watchdog == 0 {
		return nil
	}
	return []string{systemd.Alive}
}

// tell asks the loop, and tells what is new beside what is to be told once the loop has answered.
func (h *herald) tell(ctx context.Context, states ...string) {
	view, err := h.view(ctx)
	switch {
	case errors.Is(err, supervisor.ErrEnded):
		view.Stopping = true
	case err != nil:
		return
	}
	states = append(states, h.news(view)...)
	if len(states) == 0 {
		return
	}
	h.say(states...)
}

// reloading tells the service manager that the fleet file is being read anew; what it returns, that this is over.
func (d *Daemon) reloading() (over func()) {
	d.herald.say(systemd.Reloading())
	return func() { d.herald.say(systemd.Ready) }
}

func (h *herald) say(states ...string) {
	if err := h.send(states...); err != nil {
		h.log.Warn().Err(err).Msg("the service manager does not know how the fleet is")
	}
}

// news is what the manager has not been told yet.
func (h *herald) news(view fleet.View) (states []string) {
	switch {
	case view.Stopping && !h.stopping:
		h.stopping = true
		states = append(states, systemd.Stopping)
	case view.Stopping || h.ready:
	case serves(view):
		h.ready = true
		states = append(states, systemd.Ready)
	case comesUp(view):
		states = append(states, systemd.Extend(extendBy))
	}
	if status := statusLine(view); status != h.status {
		h.status = status
		states = append(states, systemd.Status(status))
	}
	return states
}

// serves says whether every service answers requests. That some of its workers are not ready yet, or cannot be, is in the status: a fleet
// of twenty that is killed because one of them does not come up would serve nobody.
func serves(view fleet.View) bool {
	for _, svc := range view.Services {
		if svc.Leaving {
			continue
		}
		if svc.Proxy.State != fleet.StateReady || svc.Ready == 0 && svc.Want > 0 {
			return false
		}
	}
	return true
}

// comesUp says whether a first start is still under way in every service that does not serve yet. What has failed before does not get more
// time than the manager gives by itself.
func comesUp(view fleet.View) bool {
	for _, svc := range view.Services {
		if serves(fleet.View{Services: []fleet.ServiceView{svc}}) {
			continue
		}
		slots := svc.Workers
		if svc.Proxy.State != fleet.StateReady {
			slots = []fleet.SlotView{svc.Proxy}
		}
		if !anyStarts(slots) {
			return false
		}
	}
	return true
}

func anyStarts(slots []fleet.SlotView) bool {
	for _, slot := range slots {
		if slot.Restarts == 0 && (slot.State == fleet.StatePending || slot.State == fleet.StateStarting) {
			return true
		}
	}
	return false
}

// statusLine is the fleet in one line: hello 3/3 ready, other 1/2 ready (other/0#3 backoff: exited with status 1).
func statusLine(view fleet.View) string {
	if view.Stopping {
		return "ending: " + count(alive(view)) + " left"
	}
	var parts []string
	for _, svc := range view.Services {
		if svc.Leaving {
			parts = append(parts, svc.Name+" is being removed")
			continue
		}
		part := fmt.Sprintf("%s %d/%d ready", svc.Name, svc.Ready, svc.Want)
		if why := troubles(svc); len(why) > 0 {
			part += " (" + strings.Join(why, "; ") + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func count(processes int) string {
	if processes == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", processes)
}

func alive(view fleet.View) (n int) {
	for _, svc := range view.Services {
		for _, slot := range append([]fleet.SlotView{svc.Proxy}, svc.Workers...) {
			if slot.Pid != 0 && slot.State != fleet.StateStopped {
				n++
			}
		}
	}
	return n
}

// troubles are a service's first few slots that have failed.
func troubles(svc fleet.ServiceView) (why []string) {
	for _, slot := range append([]fleet.SlotView{svc.Proxy}, svc.Workers...) {
		switch slot.State {
		case fleet.StateBackoff, fleet.StateCrashloop, fleet.StateStopped, fleet.StateUnready:
			if len(why) < shownReasons {
				why = append(why, fmt.Sprintf("%v %s: %s", slot.Life, slot.State, slot.Reason))
			}
		}
	}
	return why
}
