// Package workerkit makes a function into a zfleet worker. A worker's main is one call:
//
//	func main() {
//		workerkit.Main(workerkit.HandlerFunc(hello), workerkit.Description("answers World"))
//	}
//
//	func hello(ctx context.Context, req [][]byte) ([][]byte, error) {
//		return [][]byte{[]byte("World")}, nil
//	}
//
// The binary is named by `plugin = "…"` in fleet.toml. zfleet starts it as a go-plugin process, tells it where to connect, asks for its
// health and drains it before it ends it. The same binary runs as a plain command under zfleet, and alone with --connect.
//
// [Main] and [Handler] are all that most authors need; an [Option] sets concurrency, a health check or a slow start; [Errorf] chooses the
// code of an error reply. [Run] is a worker inside a program of one's own. Package workertest runs a handler in a test.
//
// # Requests
//
// A worker has as many ZeroMQ REP sockets as it handles requests at a time. A REP socket hands over one request, waits for its reply, and
// keeps the envelope to itself: a handler sees the body frames alone, and its reply goes to whoever asked.
//
// A request can be delivered twice: a worker that dies between doing the work and sending the reply leaves no trace, so zfleet gives the
// request to another. Handlers should be idempotent.
//
// # Output
//
// Workers log JSON lines on standard error; zerolog.Ctx(ctx) is the worker's logger in a handler, a setup and a health check. Under zfleet
// standard output goes to standard error too, whatever prints on it.
package workerkit

import "context"

// Handler answers requests. With a concurrency above 1 it is called from several goroutines at a time.
type Handler interface {
	// Handle answers one request. The request has at least one frame, frames can be empty, and they are the handler's to keep. A reply
	// without frames is sent as one empty frame. An error is sent as an error reply, see [Error]; so is a panic, as INTERNAL.
	//
	// The context ends when the worker must end now, its grace being over. A handler that then returns an error leaves its request
	// unanswered, so that another worker gets it.
	Handle(ctx context.Context, req [][]byte) (reply [][]byte, err error)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, req [][]byte) (reply [][]byte, err error)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, req [][]byte) ([][]byte, error) { return f(ctx, req) }
