package workerkit_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/zfleet/zfleet/workerkit/control"
)

// everyWay runs a test with the worker as a plugin and as a plain command.
func everyWay(t *testing.T, worker string, test func(*testing.T, *hub, *tested)) {
	t.Helper()
	t.Run("plugin", func(t *testing.T) {
		h := newHub(t, ipc(t))
		p := startPlugin(t, worker)
		p.begin(h)
		test(t, h, p.tested)
	})
	t.Run("command", func(t *testing.T) {
		h := newHub(t, ipc(t))
		test(t, h, command(t, worker, nil, control.EnvBackend+"="+h.endpoint).start())
	})
}

func TestTermDrains(t *testing.T) {
	everyWay(t, "plain", func(t *testing.T, h *hub, p *tested) {
		g := newGate(t)
		big := make([]byte, 24<<20) // it is still on its way when the handler has returned
		token := h.send(g.wait(), big)
		h.send([]byte("more"))
		p.expectLog("waiting")
		p.signal(syscall.SIGTERM)
		p.expectLog("draining")
		g.open()
		h.expect(token, g.wait(), big)
		p.expectExit(0)
		h.expectNothing()
	})
}

func TestASecondTermEndsItNow(t *testing.T) {
	everyWay(t, "plain", func(_ *testing.T, h *hub, p *tested) {
		h.send([]byte("hang"))
		p.expectLog("hanging")
		p.signal(syscall.SIGTERM)
		p.expectLog("draining")
		p.signal(syscall.SIGTERM)
		p.expectExit(128 + int(syscall.SIGTERM))
	})
}

func TestAHungHandlerDoesNotOutliveTheGrace(t *testing.T) {
	everyWay(t, "impatient", func(_ *testing.T, h *hub, p *tested) {
		h.send([]byte("hang"))
		p.expectLog("hanging")
		p.signal(syscall.SIGTERM)
		p.expectExit(1)
	})
}

func TestInterruptIsTheSupervisorsBusiness(t *testing.T) {
	everyWay(t, "plain", func(_ *testing.T, h *hub, p *tested) {
		h.expect(h.send([]byte("one")), []byte("one"))
		for range 3 {
			p.signal(syscall.SIGINT)
		}
		h.expect(h.send([]byte("two")), []byte("two"))
		p.signal(syscall.SIGTERM)
		p.expectExit(0)
	})
}

func TestInterruptByHandDrains(t *testing.T) {
	h := newHub(t, ipc(t))
	p := command(t, "plain", []string{"--connect", h.endpoint})
	p.cmd.Env = append(p.cmd.Env, control.EnvLifeline+"=") // nobody supervises it
	p.start()
	h.expect(h.send([]byte("x")), []byte("x"))
	p.signal(syscall.SIGINT)
	p.expectExit(0)
}

func TestWithoutASupervisorItDrains(t *testing.T) {
	everyWay(t, "plain", func(t *testing.T, h *hub, p *tested) {
		g := newGate(t)
		token := h.send(g.wait())
		p.expectLog("waiting")
		must(t, p.lifeline.Close())
		p.expectLog("the supervisor is gone")
		g.open()
		h.expect(token, g.wait())
		p.expectExit(0)
	})
}

func TestWithoutASupervisorAHungWorkerIsGoneIn5s(t *testing.T) {
	everyWay(t, "plain", func(t *testing.T, h *hub, p *tested) {
		t.Parallel()
		h.send([]byte("hang"))
		p.expectLog("hanging")
		began := time.Now()
		must(t, p.lifeline.Close())
		p.expectExit(1)
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestALifelineThatIsNoFile(t *testing.T) {
	for _, value := range []string{"77", "x"} {
		p := command(t, "plain", nil, control.EnvBackend+"=ipc:///nowhere/x", control.EnvLifeline+"="+value).start()
		p.expectExit(1)
		p.expectLog(`cannot watch the supervisor: ZFLEET_LIFELINE=\"` + value + `\" is not an open file descriptor`)
	}
}

// A worker whose log nobody reads any more must finish its drain: the default for a broken standard error is death by SIGPIPE.
func TestABrokenLogDoesNotEndIt(t *testing.T) {
	h := newHub(t, ipc(t))
	p := command(t, "plain", nil, control.EnvBackend+"="+h.endpoint)
	read, write, err := os.Pipe()
	must(t, err)
	p.cmd.Stderr = write
	p.start()
	must(t, read.Close())
	must(t, write.Close())
	h.expect(h.send([]byte("print 1")), nil)
	p.signal(syscall.SIGTERM)
	p.expectExit(0)
}
