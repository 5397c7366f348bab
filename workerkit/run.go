package workerkit

import (
	"context"
	"fmt"
)

// Run is a worker inside the caller's program: it sets up, connects to the backend and answers until ctx ends; then it finishes what is
// under way and sends the replies. It returns when the last handler has returned. The error is nil, or why it could not be a worker, or
// that the grace was over first. It logs to ctx's zerolog logger and touches neither signals nor standard output. The health check is not
// called.
func Run(ctx context.Context, h Handler, b Backend, opts ...Option) error {
	o := buildOptions(opts)
	w := newWorker(ctx, h, o)
	w.place <- place{b, o.concurrency}
	defer context.AfterFunc(ctx, func() { w.end(o.grace) })()
	w.run()
	if w.failure == nil && w.late.Load() {
		return fmt.Errorf("cannot finish the requests under way: the grace of %s is over", o.grace)
	}
	return w.failure
}
