package workerkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	zmq "github.com/pebbe/zmq4"
	"github.com/zfleet/zfleet/workerkit"
)

func hello(_ context.Context, req [][]byte) ([][]byte, error) {
	if len(req[0]) == 0 {
		return nil, workerkit.Errorf(workerkit.InvalidArgument, "cannot greet nobody")
	}
	return [][]byte{fmt.Appendf(nil, "Hello, %s", req[0])}, nil
}

// A whole worker.
func ExampleMain() {
	workerkit.Main(workerkit.HandlerFunc(hello), workerkit.Description("greets whoever asks"))
}

// translator is a handler with a state of its own.
type translator struct{ words map[string]string }

func (t *translator) load(context.Context) error {
	t.words = map[string]string{"hello": "bonjour"}
	return nil
}

func (t *translator) check(context.Context) error {
	if len(t.words) == 0 {
		return errors.New("the dictionary is empty")
	}
	return nil
}

func (t *translator) Handle(_ context.Context, req [][]byte) ([][]byte, error) {
	word, ok := t.words[string(bytes.ToLower(req[0]))]
	if !ok {
		return nil, workerkit.Errorf(workerkit.NotFound, "no translation of %q", req[0])
	}
	return [][]byte{[]byte(word)}, nil
}

// A worker that loads something first, handles eight requests at a time and says when it cannot.
func ExampleMain_options() {
	t := &translator{}
	workerkit.Main(t,
		workerkit.Name("translator"),
		workerkit.Version("1.2.0"),
		workerkit.Description("translates a word"),
		workerkit.Setup(t.load),
		workerkit.Health(t.check),
		workerkit.Concurrency(8),
		workerkit.ShutdownGrace(10*time.Second),
		workerkit.Teardown(func(context.Context) error { fmt.Fprintln(os.Stderr, "au revoir"); return nil }),
	)
}

func ExampleErrorf() {
	err := workerkit.Errorf(workerkit.NotFound, "no translation of %q", "grok")
	fmt.Println(err)
	// Output: NOT_FOUND: no translation of "grok"
}

// What a client makes of a reply.
func ExampleReplyError() {
	reply := [][]byte{[]byte(`{"zfleet":{"code":"NOT_FOUND","message":"no translation of \"grok\""}}`)}
	if err := workerkit.ReplyError(reply); err != nil {
		fmt.Println(err.Code, "-", err.Message)
	}
	// Output: NOT_FOUND - no translation of "grok"
}

// A worker inside another program. Here a single REQ socket plays the proxy.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	endpoint := "ipc://" + filepath.Join(dir, "backend")
	client, err := zmq.NewSocket(zmq.REQ)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = client.Close() }()
	if err := client.Bind(endpoint); err != nil {
		fmt.Println(err)
		return
	}

	ctx, drain := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- workerkit.Run(ctx, workerkit.HandlerFunc(hello), workerkit.Backend{Endpoints: []string{endpoint}})
	}()

	_, _ = client.Send("Ada", 0)
	fmt.Println(client.Recv(0))
	drain()
	fmt.Println(<-ended)
	// Output:
	// Hello, Ada <nil>
	// <nil>
}
