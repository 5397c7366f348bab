package main

import (
	"context"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/zfleet/zfleet/workerkit"
)

const never = math.MaxInt64

// misbehaver is the handler.
type misbehaver struct {
	options    []workerkit.Option
	setups     []func(context.Context) error
	crashAfter int64

	requests atomic.Int64
	mu       sync.Mutex
	leaked   [][]byte
}

// deed does what a word asks for, with what follows the word, and returns the first frame of the answer.
type deed func(ctx context.Context, m *misbehaver, args string) (string, error)

// words are what a request can ask for.
var words = map[string]deed{
	"echo": func(_ context.Context, _ *misbehaver, text string) (string, error) { return text, nil },
	"pid":  func(context.Context, *misbehaver, string) (string, error) { return strconv.Itoa(os.Getpid()), nil },
	"env":  func(_ context.Context, _ *misbehaver, name string) (string, error) { return os.Getenv(name), nil },
	"count": func(_ context.Context, m *misbehaver, _ string) (string, error) {
		return strconv.FormatInt(m.requests.Load(), 10), nil
	},
	"sleep":        sleep,
	"error":        fail,
	"panic":        func(context.Context, *misbehaver, string) (string, error) { panic("as asked") },
	"crash":        func(context.Context, *misbehaver, string) (string, error) { return crash() },
	"kill":         func(context.Context, *misbehaver, string) (string, error) { return signalSelf(syscall.SIGKILL) },
	"exit":         exit,
	"hang":         hang,
	"stop":         func(context.Context, *misbehaver, string) (string, error) { return signalSelf(syscall.SIGSTOP) },
	"flood-stderr": func(_ context.Context, _ *misbehaver, mib string) (string, error) { return "flooded", floodStderr(mib) },
	"weird-log":    func(context.Context, *misbehaver, string) (string, error) { return "logged", weirdLog() },
	"leak":         leak,
}

func init() { words["once"] = once } // it looks into words itself

// Handle does what the request says.
func (m *misbehaver) Handle(ctx context.Context, req [][]byte) ([][]byte, error) {
	if m.requests.Add(1) > m.crashAfter {
		_, _ = crash()
	}
	text, err := m.obey(ctx, string(req[0]))
	if err != nil {
		return nil, err
	}
	return slices.Concat([][]byte{[]byte(text)}, req[1:]), nil
}

func (m *misbehaver) obey(ctx context.Context, order string) (string, error) {
	word, args, _ := strings.Cut(order, " ")
	do, ok := words[word]
	if !ok {
		return "", workerkit.Errorf(workerkit.InvalidArgument, "cannot do %q: it is none of the words in misbehave's documentation", word)
	}
	return do(ctx, m, args)
}
