package launch

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// A plugin's whole life: handshake, Start, lanes, health, drain, end.
func TestPluginLife(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	r.svc.Workers.Concurrency = 3
	r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	if snapshot, err := r.Snapshot(t.Context(), "hello"); err != nil || len(snapshot.Lanes) != 3 {
		t.Errorf("lanes: %v, %v", snapshot.Lanes, err)
	}

	if err := os.WriteFile(filepath.Join(r.state, "unready"), []byte("the cache is cold"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.unready(name, "its health check says: the cache is cold")
	if err := os.Remove(filepath.Join(r.state, "unready")); err != nil {
		t.Fatal(err)
	}
	r.ready(name, 2)

	p.Stop()
	exit := r.exit(name)
	if exit.Code != 0 || exit.Reason != "exited with status 0" || exit.Rung != rungDrained {
		t.Errorf("exit: %+v", exit)
	}
	if _, err := os.Stat(filepath.Join(r.state, "drained")); err != nil {
		t.Errorf("its Drain was not called: %v", err)
	}
	if n := r.count(func(e fleet.Event) bool { return e == fleet.DrainEnded{Life: name} }); n != 1 {
		t.Errorf("DrainEnded %d times", n)
	}
	if left, _ := filepath.Glob(filepath.Join(r.opts.RunDir, "plugin-dir*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A plugin that cannot start says why, in words that tell what to do. None of them may take the supervisor with it.
func TestPluginThatDoesNotStart(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"junk":          `handshake failed: the first line on its standard output is "Loading model \\x1b[1mbert\\x1b[0m …", not go-plugin's handshake`,
		"usage":         `handshake failed: the first line on its standard output is "usage: words FILE"`,
		"exits":         "exited with status 3 before its handshake",
		"version":       "it speaks version 7 of the plugin protocol, this zfleet speaks 1",
		"netrpc":        "it speaks netrpc, not grpc",
		"far":           "its address, tcp 192.0.2.1:80, is neither a unix socket nor tcp on the loopback interface",
		"tls":           "it wants TLS",
		"no-socket":     "the plugin could not start: connection error",
		"refuses":       "the plugin could not start: the licence has run out",
		"dies-in-start": "exited with status 4 before its answer to Start",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, asPlugin(mode))
			name, _ := r.launch(0, 1)
			exit := r.exit(name)
			if !strings.Contains(exit.Reason, want) || exit.Permanent {
				t.Errorf("exit: %+v\nwant: %s", exit, want)
			}
			if mode == "exits" && (exit.Code != 3 || !strings.HasSuffix(strings.Join(exit.LastLines, "\n"), "no such table: words")) {
				t.Errorf("exit: %+v", exit)
			}
		})
	}
}

// What is wrong with its first line is not forgotten when the plugin ends before anybody looks.
func TestFaultOutlivesThePlugin(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("usage"))
	p := newPluginRole(newLife(r.Launcher, fleet.Life{Service: "hello", N: 1}, r.svc, r.tell))
	if err := p.fault(); err != nil {
		t.Errorf("before a line: %v", err)
	}
	p.handshake("usage: words FILE")
	if err := p.fault(); err == nil || !strings.Contains(err.Error(), "usage: words FILE") {
		t.Errorf("after it: %v", err)
	}
}

// A plugin that never comes to its handshake is not given up here, but what it waits for is told, and Kill ends it.
func TestPluginWithoutHandshake(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("silent"))
	name, p := r.launch(0, 1)
	r.unready(name, "waits for its handshake")
	p.Kill()
	if exit := r.exit(name); exit.Signal != "SIGKILL" || exit.Rung != rungKilled {
		t.Errorf("exit: %+v", exit)
	}
}

// Nor does Stop wait for it.
func TestStopBeforeHandshake(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("silent"))
	r.startProxy()
	name, p := r.launch(0, 1)
	r.unready(name, "waits for its handshake")
	p.Stop()
	if exit := r.exit(name); exit.Signal != "SIGTERM" || exit.Rung != rungDrained {
		t.Errorf("exit: %+v", exit)
	}
}

// Lines that make go-plugin's own parser panic are log lines like others.
func TestPluginStandardErrorThatLooksLikeHclog(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("stderr-json"))
	r.startProxy()
	name, _ := r.launch(0, 1)
	r.ready(name, 1)
	for _, line := range []string{`{"@message":5}`, `{"@level":null}`, `{"@timestamp":1700000000}`, "fine"} {
		r.log.await(t, map[string]any{"worker": "hello/0#1", "stream": "stderr", "message": line})
	}
}

func TestPluginThatFloods(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("flood"))
	r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	await.Until(t, "flood", func() bool { return strings.Count(r.log.String(), cutMark) > keptLines })
	p.Kill()
	exit := r.exit(name)
	for _, line := range exit.LastLines {
		if len(line) > maxKept {
			t.Errorf("a kept line has %d bytes", len(line))
		}
	}
	if len(exit.LastLines) != keptLines {
		t.Errorf("%d lines were kept", len(exit.LastLines))
	}
	for _, e := range r.log.entries(t) {
		if message := e["message"].(string); len(message) > 4*maxLine || strings.ContainsAny(message, "\x1b\x00") {
			t.Errorf("logged: %.100q, %d bytes", message, len(message))
		}
	}
}

// What a plugin writes on standard output after the handshake neither stops it nor is lost, however long the lines.
func TestPluginThatPrints(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("long-stdout"))
	r.startProxy()
	name, _ := r.launch(0, 1)
	r.ready(name, 1)
	r.log.await(t, map[string]any{"worker": "hello/0#1", "stream": "stdout", "message": "after the long lines"})

	r.svc.Workers.Env[modeVariable] = "prints"
	name, _ = r.launch(1, 1)
	r.ready(name, 1)
	r.log.await(t, map[string]any{"worker": "hello/1#1", "stream": "stdout", "message": "printed in the plugin"})
}

// A stopped process answers nothing: go-plugin's own Kill would wait for it for ever.
func TestStoppedPluginIsHungAndCanBeKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	r.svc.Health = testHealth(200 * time.Millisecond)
	r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	freeze(t, r.pid(name))
	await.Until(t, "Hung", func() bool {
		return r.count(func(e fleet.Event) bool { h, ok := e.(fleet.Hung); return ok && h.Life == name }) == 1
	})
	r.unready(name, "alive check failed 2/2: no answer: ")
	began := time.Now()
	p.Kill()
	if exit := r.exit(name); exit.Signal != "SIGKILL" || time.Since(began) > 3*time.Second {
		t.Errorf("after %v: %+v", time.Since(began), exit)
	}
}

// SIGTERM reaches a stopped plugin too, since it is woken up for it.
func TestStoppedPluginCanBeStopped(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("plugin"))
	r.bounds.settle = 100 * time.Millisecond
	r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	freeze(t, r.pid(name))
	p.Stop()
	if exit := r.exit(name); exit.Rung != rungDrained || exit.Code != 0 {
		t.Errorf("exit: %+v", exit)
	}
}

// A grandchild that holds the plugin's standard error hides neither its death nor its last words, and does not outlive it.
func TestGrandchildHoldsStandardError(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("holds-stderr"))
	r.startProxy()
	name, _ := r.launch(0, 1)
	exit := r.exit(name)
	if exit.Code != 3 || strings.Join(exit.LastLines, "\n") != "my last words" {
		t.Errorf("exit: %+v", exit)
	}
	if othersInGroup(r.pid(name)) {
		t.Error("the grandchild lives")
	}
}

// One that has left for a session of its own cannot be ended, but hides nothing either.
func TestDaemonHoldsStandardError(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("daemon-holds-stderr"))
	r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	var daemon int
	await.Until(t, "daemon", func() bool {
		b, err := os.ReadFile(filepath.Join(r.state, "daemon"))
		if err == nil {
			daemon, err = strconv.Atoi(string(b))
		}
		return err == nil
	})
	defer func() { kill(t, daemon, unix.SIGKILL) }()
	began := time.Now()
	p.Kill()
	if exit := r.exit(name); exit.Signal != "SIGKILL" || time.Since(began) > 3*time.Second {
		t.Errorf("after %v: %+v", time.Since(began), exit)
	}
	if !isAlive(daemon) {
		t.Error("the daemon has ended: it could not have held anything")
	}
}

func TestPluginWithTooFewLanes(t *testing.T) {
	t.Parallel()
	r := newRig(t, asPlugin("one-lane"))
	r.startProxy()
	name, _ := r.launch(0, 1)
	r.unready(name, "1 of 2 connections to the proxy")
	if n := r.count(func(e fleet.Event) bool { return e == fleet.BecameReady{Life: name} }); n != 0 {
		t.Errorf("ready %d times", n)
	}
}
