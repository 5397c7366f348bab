package proxy

import (
	"github.com/zfleet/zfleet/internal/endpoint"
)

// resolver finds out which process is behind a lane. It reads /proc, which is slow, so a goroutine of its own does it, for all lanes that
// have come up since it last looked.
type resolver struct {
	post  func(func(*loop)) error
	asked chan question
}

type question struct {
	lane uint64
	peer endpoint.Peer
}

// resolverQueue is how many lanes may come up while /proc is read once. Further ones are told without a pid.
const resolverQueue = 4096

func newResolver(post func(func(*loop)) error) *resolver {
	return &resolver{post: post, asked: make(chan question, resolverQueue)}
}

// ask is called on the loop. The answer comes back to it as lanes.resolved, always later.
func (r *resolver) ask(fd int, lane uint64) {
	peer, _ := endpoint.PeerOf(fd) // of a connection that is gone: told without a pid, and then down
	select {
	case r.asked <- question{lane, peer}:
	default:
		_ = r.post(func(l *loop) { l.lanes.resolved(lane, 0) })
	}
}

// run answers until asked is closed.
func (r *resolver) run() {
	for first := range r.asked {
		batch := []question{first}
		for len(r.asked) > 0 {
			batch = append(batch, <-r.asked)
		}
		r.answer(batch)
	}
}

func (r *resolver) answer(batch []question) {
	peers := make([]endpoint.Peer, len(batch))
	for i, q := range batch {
		peers[i] = q.peer
	}
	pids := endpoint.Pids(peers)
	_ = r.post(func(l *loop) { // the loop may have ended: nobody wants to know then
		for i, q := range batch {
			l.lanes.resolved(q.lane, pids[i])
		}
	})
}
