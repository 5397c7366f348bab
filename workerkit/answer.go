package workerkit

import (
	"context"
	"time"

	"github.com/rs/zerolog"
)

// answerer turns a handler into something that always has a reply.
type answerer struct {
	handler Handler
	log     zerolog.Logger
	stats   *stats
	now     context.Context // the handlers' context: done when the worker must end now
}

// answer returns the reply to a request. It is false when the request is better left to another worker: this one has to end now, and its
// handler gave up.
func (a *answerer) answer(request [][]byte) ([][]byte, bool) {
	a.stats.began()
	began := time.Now()
	reply, how := a.call(request)
	if how != succeeded && a.now.Err() != nil {
		how = abandoned
	}
	a.stats.ended(how, time.Since(began))
	return reply, how != abandoned
}

func (a *answerer) call(request [][]byte) (reply [][]byte, how outcome) {
	err := guard(a.log, "handler", func() error {
		frames, err := a.handler.Handle(a.now, request)
		reply, how = frames, succeeded
		if err != nil {
			reply, how = [][]byte{errorFrame(err)}, failed // in here, because an author's Error method may panic
			a.log.Debug().Err(err).Msg("the handler returned an error")
		}
		return nil
	})
	if err != nil {
		return [][]byte{errorFrame(err)}, panicked
	}
	if len(reply) == 0 {
		reply = [][]byte{{}}
	}
	return reply, how
}
