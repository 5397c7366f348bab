package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTeardownIsReverseAndGoesOnAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		var down teardown
		step := func(name string, err error) {
			down.add(name, func(context.Context) error { order = append(order, name); return err })
		}
		hung := make(chan struct{})
		step("lock", nil)
		step("socket", errors.New("is gone"))
		down.add("launcher", func(context.Context) error { <-hung; return nil })
		step("last", nil)

		start := time.Now()
		err := down.run()
		close(hung)
		if got := strings.Join(order, " "); got != "last socket lock" {
			t.Errorf("order: %s", got)
		}
		if err == nil || err.Error() != "cannot close launcher: it takes longer than 15s\ncannot close socket: is gone" {
			t.Errorf("error: %v", err)
		}
		if waited := time.Since(start); waited != stepTime {
			t.Errorf("waited %v", waited)
		}
		if err := down.run(); err != nil || len(order) != 3 {
			t.Errorf("the second time: %v, %v", err, order)
		}
	})
}
