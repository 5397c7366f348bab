package workerkit

import (
	"context"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/rs/zerolog"
	"github.com/zfleet/zfleet/workerkit/control"
	"golang.org/x/term"
)

// newLog is a worker's logger: JSON lines, or readable ones on a terminal.
func newLog(f *os.File) zerolog.Logger {
	var w io.Writer = f
	if term.IsTerminal(int(f.Fd())) {
		w = zerolog.ConsoleWriter{Out: f}
	}
	level, err := zerolog.ParseLevel(os.Getenv(control.EnvLogLevel))
	if err != nil || level == zerolog.NoLevel {
		level = zerolog.InfoLevel
	}
	log := zerolog.New(w).Level(level).With().Timestamp().Logger()
	if err != nil {
		log.Warn().Msgf("cannot log from level %q on: %s is debug, info, warn or error", os.Getenv(control.EnvLogLevel), control.EnvLogLevel)
	}
	return log
}

// pluginLog is go-plugin's logger, for the little that it has to say before ctx is done: then it complains that its listener is closed. Its
// lines are the messages of ours.
func pluginLog(ctx context.Context, log zerolog.Logger) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: until{ctx, log}, DisableTime: true})
}

// until is a writer that drops everything when ctx is done.
type until struct {
	ctx context.Context
	io.Writer
}

func (u until) Write(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return len(p), nil
	}
	return u.Writer.Write(p)
}
