package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/admin"
)

// commanded is what signals command.
type commanded interface {
	Scale(ctx context.Context, req admin.ScaleRequest) (admin.ScaleReply, error)
	Restart(ctx context.Context, req admin.RestartRequest) (admin.RestartReply, error)
	Reload(ctx context.Context, req admin.ReloadRequest) (admin.ReloadReply, error)
	Down(ctx context.Context, req admin.DownRequest) error
}

// signals are those that a fleet hears. Changing it may have to ask a proxy and is slow then; the end must not wait for that, so they come
// in two channels with a goroutine each.
type signals struct{ ends, changes chan os.Signal }

// catchSignals takes all signals that would otherwise end or stop zfleet and can be meant for it. SIGPIPE is caught, not ignored, so that a
// log pipe without a reader does not end the fleet: what is ignored would be ignored in every worker too, see signal(7) on execve.
func catchSignals() *signals {
	s := &signals{ends: make(chan os.Signal, 16), changes: make(chan os.Signal, 256)}
	signal.Notify(s.changes, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR2, syscall.SIGHUP)
	signal.Notify(s.ends, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1, syscall.SIGPIPE)
	return s
}

func (s *signals) stop() {
	signal.Stop(s.ends)
	signal.Stop(s.changes)
}

// oneWish is how close together signals mean the same: timeout(1) and others signal a process and then its group.
const oneWish = 150 * time.Millisecond

// obeyEnds ends the fleet: drained, and the second time at once.
func (s *signals) obeyEnds(ctx context.Context, fleet commanded, log zerolog.Logger) {
	var asked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-s.ends:
			switch sig {
			case syscall.SIGTERM, syscall.SIGINT:
				if time.Since(asked) < oneWish {
					continue
				}
				end(ctx, fleet, log, sig, !asked.IsZero())
				asked = time.Now()
			case syscall.SIGPIPE: // its log has no reader any more: it goes on without
			default:
				log.Warn().Str("signal", name(sig)).Msgf("nothing is done on %s", name(sig))
			}
		}
	}
}

func end(ctx context.Context, fleet commanded, log zerolog.Logger, sig os.Signal, again bool) {
	text := "the fleet ends when all requests under way are answered; once more: at once"
	if again {
		text = "the fleet ends at once"
	}
	log.Info().Str("signal", name(sig)).Msgf("%s: %s", name(sig), text)
	if err := fleet.Down(ctx, admin.DownRequest{Now: again, By: name(sig)}); err != nil {
		log.Error().Err(err).Msg("cannot end the fleet")
	}
}

// obeyChanges changes the first service by one a signal, restarts the workers of all, and reads the fleet file again.
func (s *signals) obeyChanges(ctx context.Context, fleet commanded, log zerolog.Logger) {
	var restarted time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-s.changes:
			switch sig {
			case syscall.SIGTTIN:
				scaleBy(ctx, fleet, log, sig, 1)
			case syscall.SIGTTOU:
				scaleBy(ctx, fleet, log, sig, -1)
			case syscall.SIGHUP: // twice does no harm, and the file may have changed in between
				reloadFile(ctx, fleet, log, sig)
			default:
				if time.Since(restarted) >= oneWish {
					restartAll(ctx, fleet, log, sig)
					restarted = time.Now()
				}
			}
		}
	}
}

// reloadFile tells every step: nobody waits at a terminal for them.
func reloadFile(ctx context.Context, fleet commanded, log zerolog.Logger, sig os.Signal) {
	reply, err := fleet.Reload(ctx, admin.ReloadRequest{By: name(sig)})
	if err != nil {
		log.Error().Str("signal", name(sig)).Msgf("%s: nothing was changed: %v", name(sig), err)
		return
	}
	for _, line := range stepLines(reply) {
		log.Info().Str("signal", name(sig)).Msgf("%s: %s", name(sig), line)
	}
	if reply.Refused {
		log.Error().Str("signal", name(sig)).Msgf("%s: nothing was changed", name(sig))
	}
}

func restartAll(ctx context.Context, fleet commanded, log zerolog.Logger, sig os.Signal) {
	if _, err := fleet.Restart(ctx, admin.RestartRequest{By: name(sig)}); err != nil {
		log.Warn().Str("signal", name(sig)).Msgf("%s: %v", name(sig), err)
		return
	}
	log.Info().Str("signal", name(sig)).Msgf("%s: the workers of all services are replaced", name(sig))
}

func scaleBy(ctx context.Context, fleet commanded, log zerolog.Logger, sig os.Signal, delta int) {
	if _, err := fleet.Scale(ctx, admin.ScaleRequest{Delta: delta, By: name(sig)}); err != nil {
		log.Warn().Str("signal", name(sig)).Msgf("%s: %v", name(sig), err)
	}
}

// name is what people type: SIGTERM, where Go says terminated.
func name(sig os.Signal) string {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return sig.String()
	}
	return unix.SignalName(number)
}
