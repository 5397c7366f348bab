package dispatch

import (
	"strings"
	"testing"
)

// TestCheck breaks the books, one at a time.
func TestCheck(t *testing.T) {
	for want, spoil := range map[string]func(*Dispatcher[string], *Client[string], *Lane[string]){
		"":                           func(*Dispatcher[string], *Client[string], *Lane[string]) {},
		"client #1 counts 2 waiting": func(_ *Dispatcher[string], c *Client[string], _ *Lane[string]) { c.waiting++ },
		"turn false":                 func(_ *Dispatcher[string], c *Client[string], _ *Lane[string]) { c.turn.unlink() },
		"lane #1 counts 0":           func(_ *Dispatcher[string], _ *Client[string], l *Lane[string]) { l.outstanding-- },
		"bucket 0": func(d *Dispatcher[string], _ *Client[string], l *Lane[string]) {
			l.outstanding = 0
			d.place(l)
			l.outstanding = 1
		},
		"lane #1 is set aside and holds 1": func(_ *Dispatcher[string], _ *Client[string], l *Lane[string]) {
			l.owed = []Token{1}
		},
		"listed false":             func(_ *Dispatcher[string], _ *Client[string], l *Lane[string]) { l.fault = Slow },
		"0 lanes are able":         func(d *Dispatcher[string], _ *Client[string], _ *Lane[string]) { d.able = 2 },
		"the totals are":           func(d *Dispatcher[string], _ *Client[string], _ *Lane[string]) { d.bytes++ },
		"3 requests are in memory": func(d *Dispatcher[string], _ *Client[string], _ *Lane[string]) { d.slab.get() },
	} {
		d := New[string](Config{Prefetch: 1})
		c, l := d.Join(), d.Up()
		d.Request(0, c, "first", 1)
		d.Request(0, c, "second", 1)
		d.Next(0)
		spoil(d, c, l)
		err := d.Check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
