package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/zfleet/zfleet/internal/admin"
)

// What is done to the fleet's own processes.

// worker chooses among those that run.
func (w *world) worker(i int, choice uint64) (admin.Worker, error) {
	status, err := w.fleet.client.Status(w.under)
	if err != nil {
		return admin.Worker{}, err
	}
	running := slices.DeleteFunc(status.Services[i].Workers, func(w admin.Worker) bool { return w.Pid == 0 })
	if len(running) == 0 {
		return admin.Worker{}, fmt.Errorf("no worker runs")
	}
	return running[choice%uint64(len(running))], nil
}

func (w *world) signal(i int, choice uint64, s syscall.Signal) string {
	worker, err := w.worker(i, choice)
	if err == nil {
		err = syscall.Kill(worker.Pid, s)
	}
	return said(fmt.Sprintf("%s (pid %d)", worker.Name, worker.Pid), err)
}

func (w *world) stopWorker(i int, choice uint64, d time.Duration) string {
	worker, err := w.worker(i, choice)
	if err != nil {
		return err.Error()
	}
	return w.stop(worker.Name, worker.Pid, d)
}

// stopProxy is for less time than it takes its supervisor to lose patience: it would kill it, and requests with it.
func (w *world) stopProxy(i int, d time.Duration) string {
	status, err := w.fleet.client.Status(w.under)
	if err != nil {
		return err.Error()
	}
	return w.stop("proxy", status.Services[i].Proxy.Pid, d)
}

// stop lets a process stand still for a while.
func (w *world) stop(name string, pid int, d time.Duration) string {
	if pid == 0 {
		return "it does not run"
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err.Error()
	}
	w.busy.Go(func() {
		w.pause(d)
		_ = syscall.Kill(pid, syscall.SIGCONT) // it may have been killed
	})
	return fmt.Sprintf("%s (pid %d) for %v", name, pid, d)
}

func (w *world) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.under.Done():
	}
}

// killSupervisor also starts the next one, as a service manager does.
func (w *world) killSupervisor() string {
	pid := w.fleet.cmd.Process.Pid
	_ = w.fleet.cmd.Process.Kill() // it may have ended, which is told by its successor's log
	<-w.fleet.ended
	return said(fmt.Sprintf("pid %d", pid), w.fleet.up(w.under))
}

func (w *world) killProxy(i int) string {
	status, err := w.fleet.client.Status(w.under)
	if err != nil {
		return err.Error()
	}
	proxy := status.Services[i].Proxy
	if proxy.State != "ready" {
		return "the proxy is not ready"
	}
	w.kills++
	return said(fmt.Sprintf("pid %d", proxy.Pid), syscall.Kill(proxy.Pid, syscall.SIGKILL))
}

// reload gives the fleet a file with other numbers of workers and with a guest or without, or the one that it began with. It is refused
// while the guest is still on its way out.
func (w *world) reload(size int) string {
	n, guest := workersAtFirst+size%3, size%2 == 0
	text := fmt.Sprintf("to %d workers each, guest: %t", n, guest)
	refused, err := w.fleet.reload(w.under, n, guest)
	if refused {
		text += ", refused"
	}
	return said(text, err)
}

func (f *fleet) reload(ctx context.Context, workers int, guest bool) (refused bool, err error) {
	if err := f.write(workers, guest); err != nil {
		return false, err
	}
	reply, err := f.client.Reload(ctx, admin.ReloadRequest{})
	return reply.Refused, err
}
