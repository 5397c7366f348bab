package launch

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/workerkit/control"
)

// misbehaviours are the plugins of which each does one thing wrong.
var misbehaviours = map[string]func(){
	"stderr-json": func() {
		for _, line := range []string{`{"@message":5}`, `{"@level":null}`, `{"@timestamp":1700000000}`, `{"@level":"info","@message":"fine"}`} {
			fmt.Fprintln(os.Stderr, line)
		}
		pluginMain()
	},
	"flood": func() { // on the real standard error, and through go-plugin's stream, which Serve has put in its place by then
		flood := func(to *os.File) {
			for line := strings.Repeat("x", 10<<20) + "\n\x00\xff\x1b[2J\n"; ; {
				_, _ = to.WriteString(line)
			}
		}
		go flood(os.Stderr)
		serve(&fakeWorker{onStart: func() { go flood(os.Stderr) }})
	},
	"long-stdout": func() { // on the real standard output, after the handshake: go-plugin's reader would stop there
		out := os.Stdout
		serve(&fakeWorker{onStart: func() {
			for range 20 {
				_, _ = out.WriteString(strings.Repeat("y", 100<<10) + "\n")
			}
			_, _ = out.WriteString("after the long lines\n")
		}})
	},
	"prints": func() { serve(&fakeWorker{onStart: func() { fmt.Println("printed in the plugin") }}) },
	"lifeline": func() {
		signal.Ignore(unix.SIGTERM)
		fd, err := strconv.Atoi(os.Getenv(control.EnvLifeline))
		if err != nil {
			fail(err)
		}
		_ = os.WriteFile(inState("listens"), nil, 0o600)
		n, err := os.NewFile(uintptr(fd), "lifeline").Read(make([]byte, 1))
		if n == 0 && errors.Is(err, io.EOF) {
			_ = os.WriteFile(inState("eof"), nil, 0o600)
		}
	},
	"holds-stderr": func() {
		if spawnSelf("stubborn").Process.Release() != nil {
			os.Exit(98)
		}
		fmt.Fprintln(os.Stderr, "my last words")
		os.Exit(3)
	},
	"daemon-holds-stderr": func() { // in a session of its own, and with nothing that tells whose it is: out of reach
		daemon := exec.Command(os.Args[0], "daemon")
		daemon.Env = []string{stateVariable + "=" + os.Getenv(stateVariable)}
		daemon.Stderr, daemon.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Setsid: true}
		if err := daemon.Start(); err != nil {
			fail(err)
		}
		pluginMain()
	},
	"junk": func() {
		fmt.Println("Loading model \x1b[1mbert\x1b[0m …")
		pluginMain()
	},
	"usage":       func() { fmt.Println("usage: words FILE"); os.Exit(2) },
	"silent":      func() { time.Sleep(time.Hour) },
	"exits":       func() { fmt.Fprintln(os.Stderr, "no such table: words"); os.Exit(3) },
	"ignore-term": func() { signal.Ignore(unix.SIGTERM); serve(&fakeWorker{}) },
	"busy":        func() { exitOnTerm(); serve(&fakeWorker{line: "busy"}) },
	"version":     func() { fmt.Println("1|7|unix|/nowhere|grpc|"); time.Sleep(time.Hour) },
	"netrpc":      func() { fmt.Println("1|1|unix|/nowhere|netrpc|"); time.Sleep(time.Hour) },
	"far":         func() { fmt.Println("1|1|tcp|192.0.2.1:80|grpc|"); time.Sleep(time.Hour) },
	"no-socket":   func() { fmt.Println("1|1|unix|/nowhere|grpc|"); time.Sleep(time.Hour) },
	"tls": func() {
		fmt.Println("1|1|unix|/nowhere|grpc|" + base64.RawStdEncoding.EncodeToString(make([]byte, 100)))
		time.Sleep(time.Hour)
	},
	"refuses":  func() { serve(&refuser{}) },
	"one-lane": func() { exitOnTerm(); serve(&liar{}) },
	"dies-in-start": func() {
		serve(&mortal{})
	},
}

// refuser fails its Start.
type refuser struct{ fakeWorker }

func (*refuser) Start(context.Context, *control.StartRequest) (*control.StartReply, error) {
	return nil, errors.New("the licence has run out")
}

// mortal dies in its Start.
type mortal struct{ fakeWorker }

func (*mortal) Start(context.Context, *control.StartRequest) (*control.StartReply, error) {
	os.Exit(4)
	return nil, nil
}

// liar says that it has opened two sockets, and has opened one.
type liar struct{ fakeWorker }

func (l *liar) Start(ctx context.Context, r *control.StartRequest) (*control.StartReply, error) {
	_, err := l.fakeWorker.Start(ctx, r)
	return &control.StartReply{Concurrency: 2}, err
}
