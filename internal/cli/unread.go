package cli

import (
	"io"
	"strings"
	"sync"

	"github.com/zfleet/zfleet/proxy/control"
)

// What is kept of lines that cannot be written. The oldest go first.
const (
	mostUnwritten      = 200
	mostUnwrittenBytes = 64 << 10
)

// unreadLog writes a log, and keeps its last lines when nobody reads them any more: those of a proxy whose supervisor was killed are for the
// next one.
type unreadLog struct {
	to io.Writer

	mu    sync.Mutex
	kept  []string
	bytes int
	gone  int // lines that were kept, and are not any more
}

// Write takes one line. It never fails.
func (l *unreadLog) Write(line []byte) (int, error) {
	if _, err := l.to.Write(line); err != nil {
		l.keep(strings.TrimSuffix(string(line), "\n"))
	}
	return len(line), nil
}

func (l *unreadLog) keep(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, line)
	l.bytes += len(line)
	for len(l.kept) > mostUnwritten || l.bytes > mostUnwrittenBytes {
		l.bytes -= len(l.kept[0])
		l.kept = l.kept[1:]
		l.gone++
	}
}

// lines are those that could not be written, oldest first.
func (l *unreadLog) lines() control.Lines {
	l.mu.Lock()
	defer l.mu.Unlock()
	return control.Lines{Lines: append([]string{}, l.kept...), Dropped: l.gone}
}
