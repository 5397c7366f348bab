package sim

import (
	"encoding/json"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// parcel is a dispatcher on its way to another process.
type parcel struct {
	State    dispatch.State
	Requests []dispatch.RequestState
}

// handOver puts another dispatcher in the place of the one that there is, made of its bytes. Nothing else changes, but that nobody was
// listened to for so long.
func (j *judge) handOver(away time.Duration) {
	j.say("hand over", nil, nil, nil, "")
	j.count.HandedOver++
	p := parcel{State: j.core.State()}
	var jobs []*job // messages stay where they are
	for r, q := range j.core.Requests() {
		p.Requests, jobs = append(p.Requests, r), append(jobs, q)
	}
	text, err := json.Marshal(p)
	if err == nil {
		p = parcel{}
		err = json.Unmarshal(text, &p)
	}
	if err == nil {
		err = j.rebuild(p, jobs)
	}
	if err != nil {
		faultf("the dispatcher cannot be rebuilt: %v", err)
	}
	for _, l := range j.lanes {
		l.began += away
		l.since += away
		l.pulse.from += away
	}
	j.core.Away(away)
}

func (j *judge) rebuild(p parcel, jobs []*job) error {
	b, err := dispatch.NewRebuild[*job](j.cfg, p.State)
	if err != nil {
		return err
	}
	for i, r := range p.Requests {
		if err := b.Add(r, jobs[i]); err != nil {
			return err
		}
	}
	for _, c := range j.clients {
		c.core = b.Client(c.core.ID())
		c.core.Data = c
	}
	for _, l := range j.lanes {
		l.core = b.Lane(l.core.ID())
		l.core.Data = l
	}
	j.core, err = b.Done()
	return err
}
