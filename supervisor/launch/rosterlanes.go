package launch

import "github.com/zfleet/zfleet/proxy/control"

// What becomes of the lanes that a roster knows, and what their workers are told of it. All of it is the roster's goroutine's.

func (r *roster) happened(e control.Event) {
	switch e.Kind {
	case control.LaneUp:
		r.lanes[e.Lane.ID] = e.Lane
		r.recognise(e.Lane)
		r.blame(e.Lane)
	case control.LaneDown:
		delete(r.lanes, e.Lane.ID)
		delete(r.naming, e.Lane.ID)
	case control.LaneStuck:
		r.stuck(e)
	case control.LaneBack:
		r.back(e)
	case control.LaneEjected:
		r.ejected(e)
	case control.ProbeFailed:
		r.probed(e.Lane.ID, e.Lane.Unfit)
	case control.ProbeWell:
		r.probed(e.Lane.ID, "")
	}
}

// ejected tells of a lane that gets nothing for a while. One that was ejected before its events were followed is not told of.
func (r *roster) ejected(e control.Event) {
	if lane, up := r.lanes[e.Lane.ID]; up {
		lane.Ejected = e.Reason
		r.lanes[e.Lane.ID] = lane
	}
	r.judged(r.owner(e.Lane), e)
}

// back is of a lane that was ejected, or stuck.
func (r *roster) back(e control.Event) {
	r.note(e.Lane.ID, "")
	if lane := r.lanes[e.Lane.ID]; lane.Ejected != "" {
		lane.Ejected = ""
		r.lanes[e.Lane.ID] = lane
		r.judged(r.owner(e.Lane), e)
	}
}

// note keeps why a lane is stuck, "": it is not. Its name is not the event's to change.
func (r *roster) note(id uint64, reason string) {
	if lane, up := r.lanes[id]; up {
		lane.Stuck = reason
		r.lanes[id] = lane
	}
}

// probed keeps why a lane is unfit, "": it is not. The first reason stays: later ones only count on.
func (r *roster) probed(id uint64, unfit string) {
	lane, up := r.lanes[id]
	if !up || (lane.Unfit == "") == (unfit == "") {
		return
	}
	lane.Unfit = unfit
	r.lanes[id] = lane
	if unfit != "" && r.members[r.owner(lane)] == nil {
		r.log.Warn().Uint64("lane", id).Str("peer", lane.Peer).Int("pid", lane.Pid).Str("reason", unfit).
			Msg("a worker that zfleet did not start fails its probes: it gets no requests until it answers one")
	}
}

// blame notes that a worker hangs at a lane, if it does. That the lane comes back or goes down does not change that: only the worker's end
// does.
func (r *roster) blame(lane control.Lane) (known bool) {
	if lane.Stuck == "" {
		return false
	}
	m, known := r.members[r.owner(lane)]
	if known {
		m.stuck = lane.Stuck
	}
	return known
}

func (r *roster) stuck(e control.Event) {
	r.note(e.Lane.ID, e.Reason)
	if e.Lane.Stuck = e.Reason; r.blame(e.Lane) {
		return
	}
	r.log.Warn().Uint64("lane", e.Lane.ID).Str("peer", e.Lane.Peer).Int("pid", e.Lane.Pid).Str("reason", e.Reason).
		Msg("a worker that zfleet did not start hangs: it gets no requests until it has answered")
}

func (r *roster) tellMembers() {
	up, unfit := make(map[string]int, len(r.members)), make(map[string]control.Lane)
	for _, lane := range r.lanes {
		up[lane.Worker]++
		if first, known := unfit[lane.Worker]; lane.Unfit != "" && (!known || lane.ID < first.ID) {
			unfit[lane.Worker] = lane
		}
	}
	for name, m := range r.members {
		m.tell(laneNews{up: up[name], proxy: r.stream != nil, stuck: m.stuck, unfit: unfit[name].Unfit})
	}
}

// tell replaces what has not been read yet. Only the roster's goroutine sends.
func (m *member) tell(n laneNews) {
	if n == m.latest {
		return
	}
	m.latest = n
	select {
	case <-m.news:
	default:
	}
	m.news <- n
}
