package dispatch

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// shown is how many of a list's messages Describe writes out.
const shown = 8

// Describe draws the whole state: a line of totals, then a line for each client and each lane with what waits and what runs, oldest first,
// and a message's strikes behind it. It takes time in proportion to all of it.
func (d *Dispatcher[M]) Describe() string {
	var b, rows strings.Builder
	fmt.Fprintf(&b, "waiting %d, %d bytes; outstanding %d; ended %d; redelivered %d; failed %d\n",
		d.waiting, d.bytes, d.outstanding, d.ended.len(), d.redelivered, d.failed)
	for c := d.clients.front(); c != nil; c = c.all.next.owner {
		fmt.Fprintf(&rows, "client %s\twaiting %d\toutstanding %d\t%s%s\n",
			label(c.Data, c.id), c.waiting, c.outstanding, c.gate, messages(&c.queue))
	}
	for l := d.lanes.front(); l != nil; l = l.all.next.owner {
		fmt.Fprintf(&rows, "lane %s\tholds %d of %d\tanswered %d\tservice %v\t%s%s\n",
			label(l.Data, l.id), l.outstanding, l.Allowance(), l.answered, l.service, l.state(), messages(&l.held))
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = io.WriteString(w, rows.String()) // a strings.Builder takes everything
	_ = w.Flush()
	return b.String()
}

func (l *Lane[M]) state() string {
	switch {
	case l.Aside():
		return fmt.Sprintf("aside, owes %d", len(l.owed))
	case l.stuck:
		return "stuck"
	case l.draining:
		return "draining"
	case l.onHold:
		return "on hold"
	case l.probe != 0:
		return "probed"
	case l.bucket >= 0 && l.failures > 0:
		return fmt.Sprintf("free, failed %d", l.failures)
	case l.fault != 0:
		return fmt.Sprintf("ejected until %v", l.until)
	case l.doubted:
		return "doubtful"
	case l.bucket >= 0:
		return "free"
	}
	return "full"
}

// messages writes a column of a list's first few messages, each with the number of its strikes.
func messages[M any](l *list[request[M]]) string {
	var words []string
	n := 0
	for r := l.front(); r != nil; r = r.node.next.owner {
		if n++; n <= shown {
			words = append(words, r.name()+strikes(r.strikes))
		}
	}
	if n > shown {
		words = append(words, fmt.Sprintf("+%d", n-shown))
	}
	if n == 0 {
		return ""
	}
	return "\t" + strings.Join(words, " ")
}

// name is the message's, or late, when it has been given back.
func (r *request[M]) name() string {
	if r.late {
		return "late"
	}
	return label(r.message, uint64(r.index))
}

func strikes(n int32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("(%d)", n)
}

// label is what v calls itself, or #id.
func label(v any, id uint64) string {
	switch v := v.(type) {
	case string:
		return v
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprintf("#%d", id)
}
