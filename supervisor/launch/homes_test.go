package launch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// A service that is opened and closed again leaves nothing: no port, no socket, no descriptor, no goroutine that Close would wait for.
func TestAServiceComesAndGoes(t *testing.T) {
	r := newRig(t, asCommand("serve"))
	other := r.svc
	other.Name = "other"
	comeAndGo := func() {
		if err := r.OpenService(other); err != nil {
			t.Fatal(err)
		}
		bound := listener(r.homes.of("other"), "frontend", 0).Bound()
		name := fleet.Life{Service: "other", Slot: fleet.ProxySlot, N: len(r.begun) + 1}
		r.begun[name] = r.Launch(name, other, r.tell)
		r.ready(name, 1)
		if _, err := r.Snapshot(t.Context(), "other"); err != nil {
			t.Error(err)
		}
		r.begun[name].Stop()
		r.exit(name)
		r.CloseService("other")
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", bound.Port))
		if err != nil {
			t.Fatalf("its port is not free: %v", err)
		}
		_ = listener.Close()
	}
	comeAndGo()
	before := descriptors(t)
	for range 5 {
		comeAndGo()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	if left, _ := filepath.Glob(filepath.Join(r.opts.RunDir, "other*")); len(left) > 0 {
		t.Errorf("left in the run directory: %v", left)
	}
	if _, err := r.Snapshot(t.Context(), "other"); err == nil || !strings.HasSuffix(err.Error(), "there is no such service") {
		t.Errorf("Snapshot of a service that is gone: %v", err)
	}
	r.CloseService("other") // it is not there: nothing happens
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// What cannot be opened leaves nothing open, and says why.
func TestAServiceThatCannotBeOpened(t *testing.T) {
	r := newRig(t, asCommand("serve"))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	own := listener(r.homes.of("hello"), "frontend", 0).Bound().String()
	free := "ipc://" + filepath.Join(r.state, "front")
	open := func(name, backend string) error {
		return r.OpenService(fleet.Service{Name: name, Frontend: []string{free}, Backend: []string{backend}})
	}
	err = open("other", "tcp://"+taken.Addr().String())
	if inUse := new(endpoint.InUse); !errors.As(err, &inUse) || inUse.Pid != unix.Getpid() {
		t.Errorf("a port that is taken: %v", err)
	}
	if err := open("other", own); err == nil || err.Error() != "cannot listen on "+own+": service hello of this fleet does" {
		t.Errorf("a port of another service: %v", err)
	}
	if err := open("hello", "tcp://127.0.0.1:*"); err == nil || err.Error() != "cannot open service hello: there is a service hello" {
		t.Errorf("a service that there is: %v", err)
	}
	if err := open(strings.Repeat("x", maxSocketPath), own); err == nil || !strings.HasSuffix(err.Error(), "choose a shorter one") {
		t.Errorf("a name that is too long: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(r.state, "front")); !os.IsNotExist(err) {
		t.Errorf("the other endpoint is still there: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := open("other", "tcp://127.0.0.1:*"); err == nil || err.Error() != "cannot open service other: the fleet has ended" {
		t.Errorf("after the end: %v", err)
	}
}
