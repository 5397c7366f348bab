package workertest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/zfleet/zfleet/workerkit"
	"github.com/zfleet/zfleet/workerkit/workertest"
)

func TestCallGivesTheReplysFrames(t *testing.T) {
	w := workertest.New(t, workerkit.HandlerFunc(func(_ context.Context, req [][]byte) ([][]byte, error) {
		return append(req, []byte("seen")), nil
	}))
	reply, err := w.Call([]byte("a"), nil, []byte("b"))
	want := [][]byte{[]byte("a"), {}, []byte("b"), []byte("seen")}
	if err != nil || !slices.EqualFunc(reply, want, bytes.Equal) {
		t.Fatalf("got %q, %v; want %q", reply, err, want)
	}
}

func TestCallWithoutFramesIsOneEmptyFrame(t *testing.T) {
	w := workertest.New(t, workerkit.HandlerFunc(func(_ context.Context, req [][]byte) ([][]byte, error) {
		if len(req) != 1 || len(req[0]) != 0 {
			return nil, workerkit.Errorf(workerkit.InvalidArgument, "got %q", req)
		}
		return nil, nil
	}))
	if reply, err := w.Call(); err != nil || len(reply) != 1 || len(reply[0]) != 0 {
		t.Fatalf("got %q, %v", reply, err)
	}
}

func TestAnErrorReplyIsAnError(t *testing.T) {
	w := workertest.New(t, workerkit.HandlerFunc(func(context.Context, [][]byte) ([][]byte, error) {
		return nil, workerkit.Errorf(workerkit.NotFound, "no such user")
	}))
	_, err := w.Call([]byte("ada"))
	var e *workerkit.Error
	if !errors.As(err, &e) || e.Code != workerkit.NotFound || e.Message != "no such user" {
		t.Fatalf("got %v", err)
	}
}

func TestCallsRunAtTheSameTime(t *testing.T) {
	const n = 3
	var met sync.WaitGroup
	met.Add(n)
	w := workertest.New(t, workerkit.HandlerFunc(func(context.Context, [][]byte) ([][]byte, error) {
		met.Done()
		met.Wait()
		return nil, nil
	}), workerkit.Concurrency(n))
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			if _, err := w.Call([]byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}
