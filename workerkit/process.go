package workerkit

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// lastWords is what handlers get to return after their context has ended.
	lastWords = 500 * time.Millisecond
	// orphanGrace is for requests under way when the supervisor is gone; with lastWords the worker is out within 5 s.
	orphanGrace = 4 * time.Second
	// closedGrace is for those when the supervisor closes the control connection: go-plugin kills 2 s after that.
	closedGrace = time.Second
)

// process is a worker that has a process to itself: what may end it, and how long that may take.
type process struct {
	*worker
	supervised bool        // SIGINT is meant for the supervisor, not for us
	reasons    chan string // the first reason to end; the rest is dropped
}

func newProcess(w *worker, supervised bool) *process {
	return &process{worker: w, supervised: supervised, reasons: make(chan string, 1)}
}

// main runs the worker and returns the exit status: 0 drained, 1 when it could not be a worker or had to give requests up.
func (p *process) main() int {
	go p.worker.run()
	select {
	case <-p.done:
		if p.failure == nil {
			p.log.Debug().Msg("drained") // by the supervisor, who ends the process when it likes
			p.log.Debug().Str("reason", <-p.reasons).Msg("ending")
		}
	case reason := <-p.reasons:
		p.log.Info().Str("reason", reason).Msg("draining")
		<-p.done
	}
	switch {
	case p.failure != nil:
		p.log.Error().Msg(p.failure.Error())
		return 1
	case p.late.Load():
		p.log.Error().Msg("cannot finish the requests under way: the grace is over")
		return 1
	}
	return 0
}

// endWithin drains the worker and makes sure that the process is gone soon after the grace, whatever the handlers do and even if standard
// error blocks. The shortest grace counts.
func (p *process) endWithin(grace time.Duration, reason string) {
	time.AfterFunc(grace+lastWords, func() { os.Exit(1) })
	p.end(grace)
	select {
	case p.reasons <- reason:
	default:
	}
}

// watchSignals drains on the first SIGTERM and exits on the second. SIGINT does the same unless there is a supervisor, who gets it too and
// decides. SIGPIPE is caught so that a log that nobody reads any more does not end the worker in the middle of a request.
func (p *process) watchSignals() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGPIPE)
	go p.obey(signals)
}

func (p *process) obey(signals <-chan os.Signal) {
	asked := false
	for s := range signals {
		switch {
		case s == syscall.SIGPIPE, s == syscall.SIGINT && p.supervised:
		case asked:
			os.Exit(128 + int(s.(syscall.Signal)))
		default:
			asked = true
			p.endWithin(p.options.grace, s.String())
		}
	}
}
