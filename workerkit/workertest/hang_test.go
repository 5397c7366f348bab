package workertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/zfleet/zfleet/workerkit"
)

// fakeT is a test that is meant to fail.
type fakeT struct {
	testing.TB
	cleanups []func()
	failures []error
}

func (f *fakeT) Cleanup(c func())             { f.cleanups = append(f.cleanups, c) }
func (f *fakeT) Errorf(_ string, args ...any) { f.failures = append(f.failures, args[0].(error)) }

func (f *fakeT) cleanUp() {
	for _, c := range slices.Backward(f.cleanups) {
		c()
	}
}

func (f *fakeT) expectFailure(t *testing.T, want string) {
	t.Helper()
	if len(f.failures) != 1 || f.failures[0].Error() != want {
		t.Errorf("the test was failed by %v; want %s", f.failures, want)
	}
}

func TestAHandlerThatHangs(t *testing.T) {
	f, finish := &fakeT{TB: t}, make(chan struct{})
	w := start(f, 400*time.Millisecond, workerkit.HandlerFunc(func(context.Context, [][]byte) ([][]byte, error) {
		<-finish
		return nil, nil
	}), nil)
	for _, want := range []string{
		"no reply within 400ms: resource temporarily unavailable",
		"no reply: the worker is busy, or not connected, for 400ms",
	} {
		if _, err := w.Call(); err == nil || err.Error() != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
	f.cleanUp()
	f.expectFailure(t, "a handler has not returned after 400ms")
	close(finish)
	<-w.ended
}

func TestAWorkerThatCannotSetUpIsToldAtOnce(t *testing.T) {
	f := &fakeT{TB: t}
	w := New(f, workerkit.HandlerFunc(nil), workerkit.Setup(func(context.Context) error { return errors.New("no model") }))
	if _, err := w.Call(); err == nil || err.Error() != "no reply: the worker has ended: cannot set up: no model" {
		t.Errorf("got %v", err)
	}
	f.cleanUp()
	f.expectFailure(t, "cannot set up: no model")
}
