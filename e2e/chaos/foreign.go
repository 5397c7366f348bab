package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

// peerDeeds are what peers on bare sockets do.
var peerDeeds = map[string]func(ctx context.Context, svc service, random *rand.Rand, size int){
	"honest peer":  honest,
	"double reply": asWorkerOnce(func(p *peer, r order) { p.write(r.reply(), r.reply()) }),
	"wrong token":  asWorkerOnce(func(p *peer, r order) { p.write(message(tokenOf(r.token()+1<<32), r.rest()...)) }),
	"no token":     asWorkerOnce(func(p *peer, r order) { p.write(message("", r.rest()...)) }),
	"another envelope": asWorkerOnce(func(p *peer, r order) {
		p.write(message(r.frames[0], append([]string{"somebody else"}, r.rest()...)...))
	}),
	"half a frame, silence": asWorkerOnce(func(p *peer, r order) {
		reply := r.reply()
		p.write(reply[:len(reply)/2])
		p.silence(time.Second)
	}),
	"half a frame, gone": asWorkerOnce(func(p *peer, r order) {
		reply := r.reply()
		p.write(reply[:len(reply)/2])
	}),
	"another lane's token": othersToken,
	"gone after READY":     hangUp,
	"never reads":          neverReads,
	"garbage":              garbage,
	"oversize":             oversize,
	"half open":            halfOpen,
	"hasty clients":        hastyClients,
	"hasty workers":        hastyWorkers,
}

// asWorkerOnce joins as a worker, does one deed to the first request that it gets, and leaves a moment later.
func asWorkerOnce(deed func(*peer, order)) func(context.Context, service, *rand.Rand, int) {
	return func(ctx context.Context, svc service, _ *rand.Rand, _ int) {
		p, err := join(ctx, svc.backend, "REP")
		if err != nil {
			return
		}
		defer p.close()
		if r, ok := p.order(2 * time.Second); ok {
			deed(p, r)
			p.silence(100 * time.Millisecond)
		}
	}
}

// honest answers as it should for a while.
func honest(ctx context.Context, svc service, _ *rand.Rand, size int) {
	p, err := join(ctx, svc.backend, "REP")
	if err != nil {
		return
	}
	defer p.close()
	for range size {
		r, ok := p.order(500 * time.Millisecond)
		if !ok {
			return
		}
		p.write(r.reply())
	}
}

// othersToken answers on one connection what came on another, and the first never.
func othersToken(ctx context.Context, svc service, _ *rand.Rand, _ int) {
	a, err := join(ctx, svc.backend, "REP")
	if err != nil {
		return
	}
	defer a.close()
	b, err := join(ctx, svc.backend, "REP")
	if err != nil {
		return
	}
	defer b.close()
	if r, ok := a.order(2 * time.Second); ok {
		b.write(r.reply())
		b.silence(200 * time.Millisecond)
	}
}

func hangUp(ctx context.Context, svc service, _ *rand.Rand, _ int) {
	if p, err := join(ctx, svc.backend, "REP"); err == nil {
		p.close()
	}
}

func neverReads(ctx context.Context, svc service, _ *rand.Rand, _ int) {
	p, err := join(ctx, svc.backend, "REP")
	if err != nil {
		return
	}
	defer p.close()
	p.doze(1500 * time.Millisecond)
}

// garbage is random bytes on both ports, before and after a handshake.
func garbage(ctx context.Context, svc service, random *rand.Rand, size int) {
	bytes := make([]byte, size*50)
	for i := range bytes {
		bytes[i] = byte(random.Uint32())
	}
	for _, port := range []string{svc.frontend, svc.backend} {
		for _, how := range []func(context.Context, string) (*peer, error){dial, func(ctx context.Context, port string) (*peer, error) {
			return join(ctx, port, "DEALER")
		}} {
			if p, err := how(ctx, port); err == nil {
				p.write(bytes)
				p.close()
			}
		}
	}
}

// oversize is a message that is too large, announced on both ports, and sent for real on one.
func oversize(ctx context.Context, svc service, _ *rand.Rand, _ int) {
	for _, port := range []string{svc.frontend, svc.backend} {
		if p, err := join(ctx, port, "DEALER"); err == nil {
			p.write(zmtp.AppendHeader(nil, true, 1<<62))
			p.close()
		}
	}
	p, err := join(ctx, svc.frontend, "DEALER")
	if err != nil {
		return
	}
	defer p.close()
	chunk := zmtp.AppendFrame(nil, true, make([]byte, 1<<20))
	for range maxMessage>>20 + 1 {
		p.write(chunk)
	}
}

func halfOpen(ctx context.Context, svc service, _ *rand.Rand, size int) {
	for range size {
		if p, err := dial(ctx, svc.frontend); err == nil {
			defer p.close()
		}
	}
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
}

// hastyClients come, ask and leave, a hundred in a second. Whether they are answered is nobody's business.
func hastyClients(ctx context.Context, svc service, _ *rand.Rand, _ int) {
	hasty(ctx, func() {
		if p, err := join(ctx, svc.frontend, "REQ"); err == nil {
			p.write(message("", "sleep 1ms", "nobody", "asks"))
			p.close()
		}
	})
}

// hastyWorkers come and leave, a hundred in a second, with what they were given.
func hastyWorkers(ctx context.Context, svc service, random *rand.Rand, _ int) {
	hasty(ctx, func() {
		if p, err := join(ctx, svc.backend, "REP"); err == nil {
			p.close()
		}
	})
}

func hasty(ctx context.Context, come func()) {
	var all sync.WaitGroup
	defer all.Wait()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		select {
		case <-tick.C:
			all.Go(come)
		case <-ctx.Done():
			return
		}
	}
}
