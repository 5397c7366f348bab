package sim

func (j *judge) pause(c *client) {
	if c.paused || !c.over || j.eased() {
		faultf("Pause for %v: paused %t, has added to a full queue %t, eased %t", c, c.paused, c.over, j.eased())
	}
	j.count.Paused++
	c.paused = true
}

func (j *judge) resume(c *client) {
	if !c.paused || c.over && !j.eased() {
		faultf("Resume for %v: paused %t, eased %t", c, c.paused, j.eased())
	}
	c.paused, c.over = false, false
}

// gates checks that those are held back who must be.
func (j *judge) gates() {
	eased := j.eased()
	for _, c := range j.clients {
		if c.paused && (!c.over || eased) {
			faultf("Resume for %v is missing: %d of its requests wait, eased %t", c, len(c.queue), eased)
		}
		if c.over && !c.paused && !c.eased {
			faultf("Pause for %v is missing: %d of its requests wait", c, len(c.queue))
		}
		c.over = c.over && !eased
		if c.core.Waiting() != len(c.queue) || c.core.Outstanding() != c.runs {
			faultf("%v says %d wait and %d run, not %d and %d", c, c.core.Waiting(), c.core.Outstanding(), len(c.queue), c.runs)
		}
	}
}
