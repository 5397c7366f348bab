package control_test

import (
	"context"
	"testing"

	"github.com/hashicorp/go-plugin"
	"github.com/zfleet/zfleet/workerkit/control"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// worker is a worker that only knows Start.
type worker struct {
	control.UnimplementedWorkerServer
	got *control.StartRequest
}

func (w *worker) Start(_ context.Context, r *control.StartRequest) (*control.StartReply, error) {
	w.got = r
	return &control.StartReply{Concurrency: r.Concurrency}, nil
}

// What one end serves is what the other dispenses.
func TestBothEnds(t *testing.T) {
	w := &worker{}
	ends, _ := plugin.TestPluginGRPCConn(t, false, control.Plugins(w))
	t.Cleanup(func() { _ = ends.Close() }) // it asks the server to stop too
	raw, err := ends.Dispense(control.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	client := raw.(*control.Client)
	backends := []string{"ipc:///x", "tcp://127.0.0.1:1"}
	sent := &control.StartRequest{Worker: "hello/3#7", Service: "hello", Backends: backends, Secret: "s", Concurrency: 4}
	reply, err := client.Start(t.Context(), sent)
	if err != nil || reply.Concurrency != 4 || !proto.Equal(w.got, sent) {
		t.Errorf("got %v, %v; the worker got %v", reply, err, w.got)
	}
	if _, err := client.Drain(t.Context(), &control.DrainRequest{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("a worker that does not know Drain: %v", err)
	}
	select {
	case <-client.Gone():
		t.Error("it is said to be gone")
	default:
	}
}
