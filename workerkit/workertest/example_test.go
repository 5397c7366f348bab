package workertest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/zfleet/zfleet/workerkit"
	"github.com/zfleet/zfleet/workerkit/workertest"
)

func hello(_ context.Context, req [][]byte) ([][]byte, error) {
	if len(req[0]) == 0 {
		return nil, workerkit.Errorf(workerkit.InvalidArgument, "cannot greet nobody")
	}
	return [][]byte{append([]byte("Hello, "), req[0]...)}, nil
}

func ExampleNew() {
	_ = func(t *testing.T) { // func TestHello(t *testing.T) {
		w := workertest.New(t, workerkit.HandlerFunc(hello))

		reply, err := w.Call([]byte("Ada"))
		if err != nil || string(reply[0]) != "Hello, Ada" {
			t.Errorf("got %q, %v", reply, err)
		}

		_, err = w.Call([]byte(""))
		var refused *workerkit.Error
		if !errors.As(err, &refused) || refused.Code != workerkit.InvalidArgument {
			t.Errorf("got %v; want INVALID_ARGUMENT", err)
		}
	}
}
