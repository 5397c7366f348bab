package sim

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// trace keeps the last few events; it writes them only when it is asked, because nearly all are forgotten.
type trace struct {
	events []event
	next   int
}

// event is one line: what happened at whom.
type event struct {
	at     time.Duration
	what   string
	job    *job
	client *client
	lane   *lane
	note   string
}

func newTrace(n int) *trace { return &trace{events: make([]event, n)} }

func (t *trace) add(e event) {
	if len(t.events) > 0 {
		t.events[t.next%len(t.events)] = e
		t.next++
	}
}

// text draws the events, oldest first.
func (t *trace) text() string {
	var b strings.Builder
	out := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i := max(t.next-len(t.events), 0); i < t.next; i++ {
		e := t.events[i%len(t.events)]
		fmt.Fprintf(out, "%v\t%s\t%s\t%s\t%s\t%s\n", e.at, e.what, name(e.job), name(e.client), name(e.lane), e.note)
	}
	_ = out.Flush()
	return b.String()
}

// name is a column's word, empty for nobody.
func name[T any, P interface {
	*T
	fmt.Stringer
}](p P) string {
	if p == nil {
		return ""
	}
	return p.String()
}

func (j *job) String() string    { return fmt.Sprintf("r%d", j.id) }
func (c *client) String() string { return fmt.Sprintf("c%d", c.id) }
func (l *lane) String() string   { return fmt.Sprintf("w%d", l.id) }

// done is how the trace calls actions and causes.
var (
	done = [...]string{dispatch.Deliver: "deliver", dispatch.Fail: "fail", dispatch.Discard: "discard", dispatch.Pause: "pause",
		dispatch.Resume: "resume", dispatch.Drained: "drained", dispatch.Stuck: "stuck",
		dispatch.Probe: "probe", dispatch.Unanswered: "no answer", dispatch.Ejected: "ejected", dispatch.Back: "back"}
	causes = [...]string{dispatch.Aborted: "aborted", dispatch.AttemptsUsed: "attempts used", dispatch.Rejected: "rejected",
		dispatch.Overdue: "overdue", dispatch.LaneLost: "lane lost"}
)
