package main

import (
	"errors"
	"testing"

	"github.com/zfleet/zfleet/workerkit"
	"github.com/zfleet/zfleet/workerkit/workertest"
)

func TestHandle(t *testing.T) {
	w := workertest.New(t, workerkit.HandlerFunc(handle))

	reply, err := w.Call([]byte("Hello"))
	if err != nil || string(reply[0]) != "World, from Go" {
		t.Errorf("got %q, %v", reply, err)
	}

	_, err = w.Call(nil)
	var refused *workerkit.Error
	if !errors.As(err, &refused) || refused.Code != workerkit.InvalidArgument {
		t.Errorf("got %v for an empty request", err)
	}
}
