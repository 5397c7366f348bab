package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/daemon"
)

const defaultTimeout = time.Minute

// timeoutFlag adds --timeout to a command that waits until something is so.
func timeoutFlag(cmd *cobra.Command, d *time.Duration, until string) {
	cmd.Flags().DurationVar(d, "timeout", defaultTimeout, "how long to wait until "+until+"; 0: as long as it takes")
}

// within bounds a context; 0 is no bound.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// lateError is an outcome that was not reached within --timeout.
type lateError struct{ text, hint string }

func (e *lateError) Error() string { return e.text }

func (e *lateError) Hint() string { return e.hint }

func (e *lateError) exitCode() int { return exitLate }

// shortOf says how far a service is from what is wanted, and why: 5 of 8 workers are ready: hello/5#3 is in crashloop: exited with …
func shortOf(svc admin.Service) string {
	text := fmt.Sprintf("%d of %d workers are ready", svc.Ready, svc.Want)
	var others []string
	for _, w := range svc.Workers {
		if w.State != "ready" {
			others = append(others, strings.TrimSuffix(fmt.Sprintf("%s is %s: %s", w.Name, inWords(w.State), w.Reason), ": "))
		}
	}
	if svc.Proxy.State != "ready" {
		others = append(others, "its proxy is "+inWords(svc.Proxy.State))
	}
	return strings.TrimSuffix(text+": "+some(others), ": ")
}

// inWords is a state as a sentence has it.
func inWords(state string) string {
	if state == "backoff" || state == "crashloop" {
		return "in " + state
	}
	return state
}

// readyLine says where a service is reached now that it is up.
func readyLine(svc admin.Service) string {
	text := svc.Name + ": " + count(svc.Ready, "worker") + " ready"
	if svc.Bound != nil {
		clients, workers := daemon.Connectable(*svc.Bound)
		text += ", clients connect to " + clients + ", workers to " + workers
	}
	return text
}

// leftOf says what an ending fleet still has.
func leftOf(status admin.Status) string {
	queued, inflight, workers := 0, 0, 0
	for _, svc := range status.Services {
		queued += svc.Queued
		workers += len(svc.Workers)
		for _, w := range svc.Workers {
			inflight += w.Inflight
		}
		for _, lane := range svc.Foreign {
			inflight += lane.Inflight
		}
	}
	return fmt.Sprintf("%s waiting, %s with workers, %s running",
		count(queued, "request"), count(inflight, "request"), count(workers, "worker"))
}

// some is the first three of many.
func some(all []string) string {
	const shown = 3
	if len(all) <= shown {
		return strings.Join(all, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(all[:shown], "; "), len(all)-shown)
}
