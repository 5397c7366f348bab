package main

import "time"

// ready starts one of the programs and waits until it says so.
func (t *trial) ready(program string, args ...any) error {
	p := t.start(program, args...)
	if t.failed != nil {
		return t.failed
	}
	return p.says(t.ctx, "ready")
}

// idleCrowd is what a connected client costs that says nothing.
func idleCrowd(clients int) func(*trial) (figures, error) {
	each := func(bytes float64) float64 { return bytes / float64(clients) }
	return func(t *trial) (figures, error) {
		before, slab := t.proxy.memory(), kernelSlab()
		if err := t.ready("crowd", t.frontend, clients, 0, 0, 0); err != nil {
			return nil, err
		}
		t.pause(1) // until the last handshake is over
		after := t.proxy.memory()
		return figures{"rss": each(after.rss - before.rss), "anonymous": each(after.anonymous - before.anonymous),
			"kernel": each(kernelSlab() - slab)}, t.ctx.Err()
	}
}

// waitingBurst lets n requests wait for a worker, then answers them all, and looks for so long how soon the memory is given back and what a
// lone client notices of that. It has measured that client before, to compare.
func waitingBurst(n int, long time.Duration) func(*trial) (figures, error) {
	return func(t *trial) (figures, error) {
		before, err := t.loneBefore()
		if err != nil {
			return nil, err
		}
		start := t.proxy.memory()
		waiting, f, err := t.burst(n)
		if err != nil {
			return nil, err
		}
		back := t.watchMemory(start.rss+givenBack, long)
		after, err := t.lone(long.Seconds())
		if err != nil {
			return nil, err
		}
		end := t.proxy.memory()
		f["peak"], f["waiting"], f["start"], f["end"] = end.peak, waiting.rss, start.rss, end.rss
		f["back"] = (<-back).Seconds()
		f["p999before"], f["p999"], f["maxbefore"], f["max"] = before["p999"], after["p999"], before["max"], after["max"]
		return f, nil
	}
}

// lone is the load of one client with one request under way.
func (t *trial) lone(seconds float64) (figures, error) {
	return t.run("closed", t.frontend, 1, 1, seconds, 16)
}

// loneBefore measures it with workers of its own.
func (t *trial) loneBefore() (figures, error) {
	if err := t.ready("lanes", t.backend, 2); err != nil {
		return nil, err
	}
	lanes := t.started[len(t.started)-1]
	defer lanes.kill()
	return t.lone(t.seconds)
}

// burst sends n requests, gives the memory with which they wait, and then has them answered.
func (t *trial) burst(n int) (waiting memory, f figures, err error) {
	burst := t.start("burst", t.frontend, burstClients, n, burstBytes)
	if err := burst.says(t.ctx, "sent"); err != nil {
		return waiting, nil, err
	}
	t.pause(1) // until the last of it is in the proxy
	waiting = t.proxy.memory()
	if err := t.ready("lanes", t.backend, 2); err != nil {
		return waiting, nil, err
	}
	f, err = burst.figures(t.ctx)
	return waiting, f, err
}

// patience is how long memory may take to be given back.
const patience = 15 * time.Second

// watchMemory tells after how long the proxy's memory was within a bound; long when it is not by then.
func (t *trial) watchMemory(bound float64, long time.Duration) <-chan time.Duration {
	back := make(chan time.Duration, 1)
	go func() {
		began := time.Now()
		for time.Since(began) < long && t.proxy.memory().rss > bound {
			time.Sleep(50 * time.Millisecond)
		}
		back <- time.Since(began)
	}()
	return back
}
