package launch

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/proxy/control"
)

const (
	keptLines = 20  // of what a process printed last
	dumpLines = 500 // of a stack dump, beside them
)

// output is what one process prints: every line goes to the supervisor's log and to the process's own, the last ones are kept for when it
// ends.
type output struct {
	log   zerolog.Logger
	own   zerolog.Logger
	mu    sync.Mutex // for the next three: several streams write
	last  []string
	most  int  // how many are kept
	dumps bool // it was asked for a stack dump
	pumps sync.WaitGroup
	ends  []*os.File // our ends of its pipes
}

func newOutput(log, own zerolog.Logger) *output { return &output{log: log, own: own, most: keptLines} }

// ownLog is a log for the lines of one life alone. A text has no level there: the worker did not give it one.
func ownLog(to io.Writer, worker string) zerolog.Logger {
	const microseconds = "2006-01-02T15:04:05.000000Z07:00"
	stamp := func(e *zerolog.Event, _ zerolog.Level, _ string) {
		e.Str("time", time.Now().UTC().Format(microseconds))
	}
	return zerolog.New(to).Hook(zerolog.HookFunc(stamp)).With().Str("worker", worker).Logger()
}

// stream is a writer whose lines are logged as the stream's.
func (o *output) stream(name string) *lines {
	to := &output{log: o.log.With().Str("stream", name).Logger(), own: o.own.With().Str("stream", name).Logger()}
	return newLines(func(line []byte, cut bool) { o.keep(to.line(line, cut)) })
}

// line logs a line and returns its text.
func (o *output) line(line []byte, cut bool) string {
	text := plain(line)
	entry, ok := parseEntry(line)
	switch {
	case text == "":
		o.own.Log().Msg("") // in a stack dump it means something
	case ok && !cut:
		text = entry.message
		entry.emit(o.log)
		entry.emit(o.own)
	default:
		if cut {
			text += cutMark
		}
		o.log.Info().Msg(text)
		o.own.Log().Msg(text)
	}
	return text
}

// repeat logs lines that another process could not write.
func (o *output) repeat(name string, lines control.Lines) {
	to := &output{log: o.log.With().Str("stream", name).Logger(), own: o.own.With().Str("stream", name).Logger()}
	if lines.Dropped > 0 {
		to.line(fmt.Appendf(nil, "%d lines before these were not kept", lines.Dropped), false)
	}
	for _, line := range lines.Lines {
		to.line([]byte(line), false)
	}
}

func (o *output) keep(text string) {
	if text == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dumps && IsRegister(text) {
		return
	}
	if len(o.last) == o.most {
		o.last = append(o.last[:0], o.last[1:]...)
	}
	o.last = append(o.last, shorten(text, maxKept))
}

// awaitDump makes room for a stack dump.
func (o *output) awaitDump() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.most, o.dumps = keptLines+dumpLines, true
}

// lastLines is what it printed last, oldest first.
func (o *output) lastLines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.last...)
}

// pipes gives the command pipes for its output and reads them. The ends that it returns are to be closed once the command has started.
func (o *output) pipes(cmd *exec.Cmd, stdout, stderr *lines) ([]*os.File, error) {
	out, err := o.pipe(stdout)
	if err != nil {
		return nil, err
	}
	errs, err := o.pipe(stderr)
	if err != nil {
		_ = out.Close()
		o.finish(0)
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, errs
	return []*os.File{out, errs}, nil
}

func (o *output) pipe(to *lines) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o.ends = append(o.ends, r)
	o.pumps.Go(func() { pump(to, r) })
	return w, nil
}

// pump reads until EOF, or until finish has no more patience.
func pump(to *lines, r *os.File) {
	_, _ = io.Copy(to, r)
	to.flush()
}

// finish reads what a dead process has left in its pipes. A grandchild that has them too can write on for ever: it is listened to
// for no longer than patience.
func (o *output) finish(patience time.Duration) {
	for _, end := range o.ends {
		_ = end.SetReadDeadline(time.Now().Add(patience))
	}
	o.pumps.Wait()
	for _, end := range o.ends {
		_ = end.Close()
	}
}
