package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
)

// world is everything around the fleet that does wrong, and the story of it.
type world struct {
	fleet   *fleet
	plan    *plan
	clients *clients
	began   time.Time
	story   []deedDone
	kills   int // of proxies

	under     context.Context // ends with the chaos
	processes []*exec.Cmd     // foreign workers that run
	busy      sync.WaitGroup  // deeds that take their time
}

type deedDone struct {
	At   time.Duration `json:"at_ns"`
	Deed string        `json:"deed"`
	To   string        `json:"to"`
}

func newWorld(f *fleet, s settings) *world {
	return &world{fleet: f, plan: newPlan(s.seed, s.proxyKills)}
}

// play does the plan's steps, each when its time has come, until ctx ends. A step that cannot be done is part of the story.
func (w *world) play(ctx context.Context, c *clients) {
	w.began, w.clients, w.under = time.Now(), c, ctx
	for {
		s := w.plan.next()
		select {
		case <-time.After(time.Until(w.began.Add(s.at))):
		case <-ctx.Done():
			return
		}
		svc := w.fleet.services[s.pick%2]
		to := w.do(s, int(s.pick%2), svc)
		w.story = append(w.story, deedDone{time.Since(w.began), s.deed, svc.name + " " + to})
	}
}

// do gives words for the story: what it was done to, or why not.
func (w *world) do(s step, i int, svc service) string {
	choice := s.pick >> 1
	switch s.deed {
	case "kill worker":
		return w.signal(i, choice, syscall.SIGKILL)
	case "stop worker":
		return w.stopWorker(i, choice, time.Duration(s.size)*40*time.Millisecond)
	case "not ready":
		return w.unready(int(choice%6), time.Duration(s.size)*10*time.Millisecond)
	case "stop supervisor":
		return w.stop("supervisor", w.fleet.cmd.Process.Pid, time.Duration(s.size)*20*time.Millisecond)
	case "stop proxy":
		return w.stopProxy(i, time.Duration(s.size)*10*time.Millisecond)
	case "kill proxy":
		return w.killProxy(i)
	case "rolling restart":
		_, err := w.fleet.client.Restart(w.under, admin.RestartRequest{Service: svc.name})
		return said("begun", err)
	case "reload":
		return w.reload(s.size)
	case "kill supervisor":
		return w.killSupervisor()
	case "upgrade":
		_, err := w.fleet.client.Upgrade(w.under, admin.UpgradeRequest{Service: svc.name})
		return said("begun", err)
	case "harmful request":
		return w.harmful(i, choice)
	case "scale":
		n := 1 + s.size%6
		_, err := w.fleet.client.Scale(w.under, admin.ScaleRequest{Service: svc.name, Count: &n})
		return said(fmt.Sprintf("to %d", n), err)
	case "foreign process":
		return w.startForeign(svc)
	case "kill foreign process":
		return w.killForeign(choice)
	}
	p := peerDeeds[s.deed]
	w.busy.Go(func() { p(w.under, svc, rand.New(rand.NewPCG(s.pick, 0)), s.size) })
	return fmt.Sprintf("size %d", s.size)
}

// unready has the plugin in a slot say that it is not ready, for a while.
func (w *world) unready(slot int, long time.Duration) string {
	path := w.fleet.unready(strconv.Itoa(slot))
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err.Error()
	}
	w.busy.Go(func() {
		select {
		case <-time.After(long):
		case <-w.under.Done():
		}
		_ = os.Remove(path) // another one may have been quicker
	})
	return fmt.Sprintf("slot %d for %v", slot, long)
}

func said(what string, err error) string {
	if err != nil {
		return err.Error()
	}
	return what
}

func (w *world) harmful(i int, choice uint64) string {
	deed := harms[choice%uint64(len(harms))]
	select {
	case w.clients.harmful[i] <- deed:
		return deed
	default:
		return "nobody asks"
	}
}

const foreignAtOnce = 4

// startForeign starts a plain REP worker that zfleet does not know of.
func (w *world) startForeign(svc service) string {
	if len(w.processes) == foreignAtOnce {
		return "there are enough"
	}
	self, err := os.Executable()
	if err != nil {
		return err.Error()
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asWorker+"="+svc.backend)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	w.processes = append(w.processes, cmd)
	return fmt.Sprintf("pid %d", cmd.Process.Pid)
}

func (w *world) killForeign(choice uint64) string {
	if len(w.processes) == 0 {
		return "there is none"
	}
	at := int(choice % uint64(len(w.processes)))
	cmd := w.processes[at]
	w.processes = slices.Delete(w.processes, at, at+1)
	err := cmd.Process.Kill()
	_ = cmd.Wait()
	return said(fmt.Sprintf("pid %d", cmd.Process.Pid), err)
}

// makePeace ends what chaos has left running. Workers of the fleet that stand still are zfleet's to find.
func (w *world) makePeace() {
	w.busy.Wait()
	for len(w.processes) > 0 {
		w.killForeign(0)
	}
}

// count is how often each deed was done.
func (w *world) count() map[string]int {
	done := map[string]int{}
	for _, d := range w.story {
		done[d.Deed]++
	}
	return done
}

// deeds are their names, sorted.
func deeds(count map[string]int) []string { return slices.Sorted(maps.Keys(count)) }
