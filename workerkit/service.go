package workerkit

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/zfleet/zfleet/workerkit/control"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// service is the control service over a worker: what the supervisor asks.
type service struct {
	control.UnimplementedWorkerServer
	worker  *worker
	started atomic.Bool
}

// Start tells the worker where to connect. It does not wait for the setup.
func (s *service) Start(_ context.Context, r *control.StartRequest) (*control.StartReply, error) {
	if len(r.Backends) == 0 || r.Concurrency < 0 {
		return nil, status.Errorf(codes.InvalidArgument, "cannot start with backends %q and concurrency %d", r.Backends, r.Concurrency)
	}
	if s.worker.draining.Err() != nil {
		return nil, status.Error(codes.FailedPrecondition, "cannot start: the worker is ending")
	}
	if !s.started.CompareAndSwap(false, true) {
		return nil, status.Error(codes.AlreadyExists, "cannot start: the worker has been started already")
	}
	n := s.worker.options.concurrency
	if r.Concurrency > 0 {
		n = int(r.Concurrency)
	}
	s.worker.place <- place{Backend{Endpoints: r.Backends, Worker: r.Worker, Secret: r.Secret}, n}
	return &control.StartReply{Concurrency: int32(n)}, nil
}

// Health answers shortly before the caller's deadline, so that the reason arrives.
func (s *service) Health(ctx context.Context, _ *control.HealthRequest) (*control.HealthReply, error) {
	ctx, cancel := context.WithTimeout(ctx, healthBudget(ctx))
	defer cancel()
	if err := s.worker.ready(ctx); err != nil {
		return &control.HealthReply{Reason: err.Error()}, nil
	}
	return &control.HealthReply{Ready: true}, nil
}

// Alive answers as Health does.
func (s *service) Alive(ctx context.Context, _ *control.AliveRequest) (*control.AliveReply, error) {
	ctx, cancel := context.WithTimeout(ctx, healthBudget(ctx))
	defer cancel()
	if err := s.worker.alive(ctx); err != nil {
		return &control.AliveReply{Reason: err.Error()}, nil
	}
	return &control.AliveReply{Alive: true}, nil
}

// healthBudget leaves a quarter of the caller's time, at most 250 ms, for the way back.
func healthBudget(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 5 * time.Second
	}
	left := time.Until(deadline)
	return left - min(left/4, 250*time.Millisecond)
}

// Drain takes nothing more and returns when the last reply is sent.
func (s *service) Drain(ctx context.Context, _ *control.DrainRequest) (*control.DrainReply, error) {
	s.worker.drain()
	select {
	case <-s.worker.done:
		return &control.DrainReply{}, nil
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// Stats returns the counters at one moment.
func (s *service) Stats(context.Context, *control.StatsRequest) (*control.StatsReply, error) {
	return s.worker.stats.snapshot(), nil
}
