package sim

// quiet checks that there is indeed nothing to do, and that both sides count the same.
func (j *judge) quiet() {
	at, ok := j.deadline()
	from, to, spare := j.spare()
	gotAt, got := j.core.Deadline()
	switch early := spare && got && gotAt >= from && gotAt <= to && (!ok || gotAt < at); {
	case !early && (got != ok || gotAt != at), spare && gotAt > to:
		faultf("the deadline is %v, %t; not %v, %t; for what a spare lane may take %v to %v, %t", gotAt, got, at, ok, from, to, spare)
	case spare && j.now >= to:
		faultf("what waits is not given to a spare lane at %v, due at %v", j.now, to)
	}
	j.ejections()
	if ok && at <= j.now {
		faultf("nothing is to be done at %v, after the deadline %v", j.now, at)
	}
	if j.ending > 0 {
		faultf("%d requests have ended and nobody is told", j.ending)
	}
	for _, l := range j.lanes {
		if j.waiting > 0 && j.free(l) {
			faultf("%d wait, and %v has room: it holds %d of %d", j.waiting, l, len(l.held), l.core.Allowance())
		}
		if l.draining && !l.drained && len(l.held) == 0 {
			faultf("%v is drained and nobody is told", l)
		}
		if l.core.Outstanding() != len(l.held) || l.core.Draining() != l.draining || l.core.Aside() != (len(l.owed) > 0) {
			faultf("%v says it holds %d, draining %t, aside %t; it owes %d", l, l.core.Outstanding(), l.core.Draining(), l.core.Aside(), len(l.owed))
		}
	}
	j.probes()
	j.gates()
	j.totals()
}

func (j *judge) totals() {
	type totals struct {
		waiting, running, clients, lanes int
		bytes                            int64
		redelivered, failed              uint64
	}
	d := j.core
	got := totals{d.Waiting(), d.Outstanding(), d.Clients(), d.Lanes(), d.WaitingBytes(), d.Redelivered(), d.Failed()}
	want := totals{j.waiting, j.running, len(j.clients), len(j.lanes), j.bytes, j.count.Redelivered, j.count.Failed}
	if got != want {
		faultf("the totals are %+v, not %+v", got, want)
	}
}
