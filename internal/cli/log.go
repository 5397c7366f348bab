package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"
	"github.com/rs/zerolog/diode"

	"github.com/zfleet/zfleet/internal/spool"
)

// logOptions is where a log goes and how it looks. The zero value is right for most: everything from info up, to stderr.
type logOptions struct {
	level  string // as zerolog spells them; "": info
	format string // console, json; anything else: console on a terminal, else json
	file   string // instead of stderr
	// unwritten keeps the last lines that cannot be written; nil: nothing does.
	unwritten *unreadLog
}

const (
	logLines    = 4096        // that may wait to be written
	logLastWait = time.Second // for the last of them
	maxLog      = 16 << 20    // bytes of a log file before it is turned over. One old file is kept, PATH.1
)

// log opens a log. A reader that is slow or stuck never holds up who logs: lines are dropped then, and it is said how many.
func (ui *tui) log(o logOptions) (zerolog.Logger, error) {
	level := zerolog.InfoLevel
	if o.level != "" {
		var err error
		if level, err = zerolog.ParseLevel(o.level); err != nil {
			return zerolog.Nop(), err
		}
	}
	to, err := ui.logWriter(o)
	if err != nil {
		return zerolog.Nop(), err
	}
	if o.unwritten != nil {
		o.unwritten.to, to = to, o.unwritten
	}
	queue := diode.NewWriter(to, logLines, 0, func(missed int) {
		_, _ = fmt.Fprintf(to, `{"level":"warn","time":%q,"message":"%d log lines dropped: they are not read fast enough"}`+"\n", now(), missed)
	})
	ui.atExit = append(ui.atExit, queue)
	return zerolog.New(queue).Level(level).With().Timestamp().Logger(), nil
}

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

func now() string { return time.Now().Format(timeFormat) }

func init() { zerolog.TimeFieldFormat = timeFormat }

func (ui *tui) logWriter(o logOptions) (to io.Writer, err error) {
	to = notClosed{ui.err}
	if o.file != "" {
		if to, err = spool.Open(o.file, spool.Limits{Size: maxLog, Files: 2}); err != nil {
			return nil, err
		}
	}
	if o.format == "console" || o.format != asJSON && o.file == "" && isTerminal(ui.err) {
		return console(to), nil
	}
	return to, nil
}

// notClosed keeps a log from closing stderr, which is not its own.
type notClosed struct{ io.Writer }

// console writes lines for people: the worker stands in front, and what the line says already is left out.
func console(to io.Writer) io.Writer {
	return zerolog.ConsoleWriter{
		Out:           to,
		NoColor:       !colourful(to),
		TimeFormat:    "15:04:05",
		FieldsOrder:   []string{"pid", "cause"},
		FieldsExclude: []string{"service", "worker", "event", "seq", "frontend", "backend"},
		FormatPrepare: namedFirst,
	}
}

func namedFirst(line map[string]any) error {
	message := printable(fmt.Sprint(line[zerolog.MessageFieldName]))
	subject, ok := line["worker"].(string)
	if _, isEvent := line["event"]; isEvent && !ok { // what else is said of a service has its name in it
		subject, ok = line["service"].(string)
	}
	if ok {
		message = subject + " " + message
	}
	line[zerolog.MessageFieldName] = message
	return nil
}

// close writes what still waits in logs.
func (ui *tui) close() {
	for _, queue := range ui.atExit {
		closeInTime(queue)
	}
}

func closeInTime(queue io.Closer) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = queue.Close()
	}()
	select {
	case <-closed:
	case <-time.After(logLastWait):
	}
}
