package launch

import (
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	keptLines = 20  // of what a process printed last
	dumpLines = 500 // of a stack dump, beside them
)

// output is what one process prints: every line goes to the log, the last ones are kept for when it ends.
type output struct {
	log   zerolog.Logger
	mu    sync.Mutex // for the next three: several streams write
	last  []string
	most  int  // how many are kept
	dumps bool // it was asked for a stack dump
	pumps sync.WaitGroup
	ends  []*os.File // our ends of its pipes
}

func newOutput(log zerolog.Logger) *output { return &output{log: log, most: keptLines} }

// stream is a writer whose lines are logged as the stream's.
func (o *output) stream(name string) *lines {
	log := o.log.With().Str("stream", name).Logger()
	return newLines(func(line []byte, cut bool) { o.line(log, line, cut) })
}

func (o *output) line(log zerolog.Logger, line []byte, cut bool) {
	text := plain(line)
	if text == "" {
		return
	}
	if entry, ok := parseEntry(line); ok && !cut {
		o.keep(entry.message)
		entry.emit(log)
		return
	}
	if cut {
		text += cutMark
	}
	o.keep(text)
	log.Info().Msg(text)
}

func (o *output) keep(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dumps && registerLine.MatchString(text) {
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
