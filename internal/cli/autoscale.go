package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
)

// autoscaleLine tells how the number of a service's workers is decided.
func (ui *tui) autoscaleLine(w io.Writer, svc admin.Service, now time.Time) {
	a := svc.Autoscale
	switch {
	case a == nil:
	case a.Held:
		_, _ = fmt.Fprintf(w, "\n%s is not autoscaled: %s set by hand; zfleet scale %s=auto\n", svc.Name, count(svc.Want, "worker"), svc.Name)
	default:
		_, _ = fmt.Fprintf(w, "\n%s is autoscaled, %d to %d workers%s%s\n", svc.Name, a.Min, a.Max, because(a.Reason), lastChange(a.Change, now))
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func lastChange(c *admin.AutoScale, now time.Time) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("; %s ago %d → %d: %s", age(now.Sub(c.At)), c.Was, c.Want, c.Reason)
}

// autoWords goes on after what a scale command came to.
func autoWords(reply admin.ScaleReply) string {
	if reply.Auto != admin.AutoHeld {
		return ""
	}
	return fmt.Sprintf("; not autoscaled until zfleet scale %s=auto", reply.Service)
}
