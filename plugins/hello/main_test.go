package main

import (
	"bytes"
	"slices"
	"testing"

	"github.com/zfleet/zfleet/workerkit"
	"github.com/zfleet/zfleet/workerkit/workertest"
)

func TestHello(t *testing.T) {
	w := workertest.New(t, workerkit.HandlerFunc(hello))
	for _, request := range [][][]byte{{[]byte("Hello")}, {{}}, {[]byte("Hello"), {}, []byte("again")}} {
		reply, err := w.Call(request...)
		if err != nil || !slices.EqualFunc(reply, [][]byte{[]byte("World")}, bytes.Equal) {
			t.Errorf("to %q it says %q, %v", request, reply, err)
		}
	}
}
