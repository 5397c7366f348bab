package dispatch

// gate says whether the shell reads from a client, and whether it has been told so yet. Pause and Resume alternate:
//
//	open → pausing → paused → resuming → open, and back from pausing to open and from resuming to paused without a word
type gate uint8

const (
	open gate = iota
	pausing
	paused
	resuming
)

func (g gate) String() string { return [...]string{"open", "pausing", "paused", "resuming"}[g] }

// Full says that a client with a waiting request may not add another. One request each is always let in, so a flood never shuts out a
// client that waits for its replies. Config.Reject says what becomes of the others. A shell that has read
// many requests at once calls Next now and then while this holds.
func (d *Dispatcher[M]) Full() bool { return d.waiting >= d.cfg.Queue || d.bytes >= d.cfg.QueueBytes }

// eased says that everybody may be read from again: under seven eighths of each bound, so that Pause and Resume do not follow each request.
func (d *Dispatcher[M]) eased() bool {
	return d.waiting < d.cfg.Queue-d.cfg.Queue/8 && d.bytes < d.cfg.QueueBytes-d.cfg.QueueBytes/8
}

func (d *Dispatcher[M]) pause(c *Client[M]) {
	switch c.gate {
	case open:
		c.move(pausing, &d.pausing)
	case resuming:
		c.move(paused, &d.paused)
	}
}

// open is for a client whose queue has become empty.
func (d *Dispatcher[M]) open(c *Client[M]) {
	switch c.gate {
	case pausing:
		c.move(open, nil)
	case paused:
		c.move(resuming, &d.resuming)
	}
}

func (c *Client[M]) move(g gate, to *list[Client[M]]) {
	c.gate = g
	c.held.unlink()
	if to != nil {
		to.pushBack(&c.held)
	}
}

// nextGate returns a due Pause or Resume. A Pause that is no longer needed is dropped.
func (d *Dispatcher[M]) nextGate() (Action[M], bool) {
	eased := d.eased()
	for c := d.pausing.front(); c != nil; c = d.pausing.front() {
		if !eased {
			c.move(paused, &d.paused)
			return Action[M]{Kind: Pause, Client: c}, true
		}
		c.move(open, nil)
	}
	c := d.resuming.front()
	if c == nil && eased {
		c = d.paused.front()
	}
	if c == nil {
		return Action[M]{}, false
	}
	c.move(open, nil)
	return Action[M]{Kind: Resume, Client: c}, true
}
