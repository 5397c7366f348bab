package launch

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// leave has a supervisor start a proxy in a run folder and kills it. The proxy is what is left.
func leave(t *testing.T, runDir, delivery string) (l left) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "parent", runDir, delivery)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(out).Decode(&l); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Kill(l.Pid, unix.SIGKILL) })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return l
}

// successor is a rig in a run folder, with the orphans that are there.
func successor(t *testing.T, runDir string, change func(*Options)) *rig {
	t.Helper()
	state, log := shortDir(t), &logged{}
	o := Options{
		Fleet: "test", Spec: fleet.Spec{Services: []fleet.Service{testService(state, fleet.Workers{})}}, Self: os.Args[0],
		RunDir: runDir, Log: zerolog.New(log), Orphans: FindOrphans(runDir, zerolog.New(log)),
	}
	change(&o)
	return rigOf(t, o, log)
}

func (r *rig) adopted() (all []fleet.Adopted) {
	for _, e := range r.told() {
		if e, ok := e.(fleet.Adopted); ok {
			all = append(all, e)
		}
	}
	return all
}

// connectLoop connects to a tcp endpoint again and again. What it returns ends that, and fails when a connection was refused.
func connectLoop(t *testing.T, endpoint string) (end func()) {
	t.Helper()
	var stop atomic.Bool
	ended := make(chan error, 1)
	go func() {
		for !stop.Load() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
			if err != nil {
				ended <- err
				return
			}
			_ = conn.Close()
			time.Sleep(time.Millisecond)
		}
		ended <- nil
	}()
	return func() {
		stop.Store(true)
		if err := <-ended; err != nil {
			t.Errorf("the port was closed: %v", err)
		}
	}
}

// The proxy that a killed supervisor left serves on. The next one takes over from it: the ports stay, those too that the kernel gave.
func TestOrphanIsAdopted(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	before := leave(t, dir, "")
	stillOpen := connectLoop(t, before.Frontend)
	r := successor(t, dir, func(*Options) {})
	svc := r.homes.of("hello")
	if got := listener(svc, "frontend", 0).Bound().String(); got != before.Frontend || listener(svc, "backend", 1).Bound().Path != before.IPC {
		t.Errorf("bound to %s and %s, before %+v", got, listener(svc, "backend", 1).Bound(), before)
	}
	r.startProxy()
	gone(t, before.Pid)
	want := []fleet.Adopted{{Service: "hello", Pid: before.Pid}}
	if got := r.adopted(); len(got) != 1 || got[0] != want[0] {
		t.Errorf("told %+v, want %+v", got, want)
	}
	r.log.await(t, map[string]any{"worker": "hello/proxy#1", "stream": "orphan", "level": "warn", "message": "the supervisor is gone"})
	r.log.await(t, map[string]any{"stream": "orphan", "message": "7 lines before these were not kept"})
	if snapshot, err := r.Snapshot(t.Context(), "hello"); err != nil || snapshot.Pid == before.Pid {
		t.Errorf("%d answers, %v", snapshot.Pid, err)
	}
	stillOpen()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Dir(before.IPC)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the ipc socket is left: %v", err)
	}
}

// Workers wait until the orphan is gone: what it would have refused them for, libzmq does not try again.
func TestWorkersWaitForTheOrphan(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	before := leave(t, dir, "")
	r := successor(t, dir, func(o *Options) { o.Spec.Services[0].Workers = asCommand("command") })
	worker, _ := r.launch(0, 1)
	stopped, p := r.launch(1, 1)
	p.Stop()
	if exit := r.exit(stopped); exit.Reason != "not started: it was told to stop before" {
		t.Errorf("exit: %+v", exit)
	}
	if n := r.count(func(e fleet.Event) bool { _, started := e.(fleet.Launched); return started }); n > 0 {
		t.Errorf("%d were started while the orphan lives", n)
	}
	r.startProxy()
	r.pid(worker)
	if isAlive(before.Pid) {
		t.Error("a worker was started while the orphan lives")
	}
}

// One that nothing can take over from is told to end; the ports are the next proxy's.
func TestOrphanThatCannotBeAdopted(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	before := leave(t, dir, "")
	defer connectLoop(t, before.Frontend)()
	r := successor(t, dir, func(o *Options) { o.Spec.Services[0].Delivery.ErrorReply = refusesToTakeOver })
	r.svc.Delivery.ErrorReply = refusesToTakeOver
	failed, _ := r.launch(fleet.ProxySlot, 1)
	if exit := r.exit(failed); exit.Code != 99 || !strings.Contains(strings.Join(exit.LastLines, ""), refusesToTakeOver) {
		t.Errorf("exit: %+v", exit)
	}
	next, _ := r.launch(fleet.ProxySlot, 2)
	r.ready(next, 1)
	gone(t, before.Pid)
	if got := r.adopted(); len(got) != 1 || !strings.Contains(got[0].Failed, "hello/proxy#1 ended before") {
		t.Errorf("told %+v", got)
	}
}

// One whose service is not declared any more is told to end.
func TestOrphanOfNobody(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	before := leave(t, dir, "")
	r := successor(t, dir, func(o *Options) { o.Spec.Services[0].Name = "other" })
	r.svc.Name = "other"
	r.startProxy()
	gone(t, before.Pid)
	if got := r.adopted(); len(got) != 1 || got[0].Service != "hello" || got[0].Failed != "its service is not in the fleet file any more" {
		t.Errorf("told %+v", got)
	}
}

// A launcher that cannot start leaves the orphan as it is: the next one may take over.
func TestOrphanOutlivesALauncherThatCannotStart(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	before := leave(t, dir, "")
	o := Options{
		Spec: fleet.Spec{Services: []fleet.Service{testService("", fleet.Workers{})}}, Self: "/nowhere/zfleet", RunDir: dir, Log: zerolog.Nop(),
	}
	o.Orphans = FindOrphans(dir, o.Log)
	if l, err := New(o); err == nil {
		t.Fatalf("it starts: %v", l.Close())
	}
	if _, err := os.Lstat(before.IPC); err != nil {
		t.Errorf("its socket is removed: %v", err)
	}
	r := successor(t, dir, func(*Options) {})
	r.startProxy()
	if got := r.adopted(); len(got) != 1 || got[0].Pid != before.Pid || got[0].Failed != "" {
		t.Errorf("told %+v", got)
	}
}

// A stopped one goes on, and is taken over from.
func TestStoppedOrphan(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	before := leave(t, dir, "")
	freeze(t, before.Pid)
	r := successor(t, dir, func(*Options) {})
	r.startProxy()
	gone(t, before.Pid)
	if got := r.adopted(); len(got) != 1 || got[0].Failed != "" {
		t.Errorf("told %+v", got)
	}
}

// One that hangs is killed in bounded time, and its ports are the next one's.
func TestHungOrphan(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	before := leave(t, dir, hangsAnswering)
	await.Until(t, "its control socket", func() bool { _, err := os.Lstat(socketPath(dir, "hello")); return err == nil })
	const answer = 300 * time.Millisecond
	began := time.Now()
	orphans := findOrphans(dir, zerolog.Nop(), orphanBounds{answer: answer, end: time.Second})
	if took := time.Since(began); took > 20*answer {
		t.Errorf("looked for %v", took)
	}
	gone(t, before.Pid)
	if len(orphans) != 1 || !strings.Contains(orphans[0].failed, "it did not answer for 600ms, and was killed") {
		t.Fatalf("found %+v", orphans)
	}
	r := successor(t, dir, func(o *Options) { o.Orphans = orphans })
	r.startProxy()
	if got := r.adopted(); len(got) != 1 || got[0].Failed != orphans[0].failed {
		t.Errorf("told %+v", got)
	}
}

// A socket of a process that is no proxy of ours is not asked for more than that, and the process lives. One that nobody listens at, and a file,
// are no matter.
func TestWhatIsNoOrphan(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	stranger := exec.Command(os.Args[0], "stranger", socketPath(dir, "hello"))
	out, err := stranger.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketPath(dir, "stale"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	if err := os.WriteFile(socketPath(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := net.Listen("unix", socketPath(dir, "self"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = self.Close() }()
	log := &logged{}
	if found := FindOrphans(dir, zerolog.New(log)); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
	if !isAlive(stranger.Process.Pid) {
		t.Error("the stranger was ended")
	}
	log.await(t, map[string]any{"level": "warn", "service": "hello", "pid": float64(stranger.Process.Pid)})
	if _, err := os.Lstat(socketPath(dir, "stale")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stale socket is left: %v", err)
	}
	_ = os.Remove(socketPath(dir, "file"))
	r := successor(t, dir, func(*Options) {})
	r.startProxy() // at the stranger's path
}

// Under a socket unit the service manager passes the socket that the orphan has as well.
func TestOrphanWithASocketThatIsPassed(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	before := leave(t, dir, "")
	all, err := control.Dial(socketPath(dir, "hello")).Listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all[1:] {
		_ = unix.Close(l.FD)
	}
	r := successor(t, dir, func(o *Options) {
		o.Spec.Services[0].Frontend = []string{before.Frontend}
		o.Sockets = []endpoint.Passed{{FD: all[0].FD, Name: "hello.socket"}}
	})
	r.startProxy()
	if got := r.adopted(); len(got) != 1 || got[0].Failed != "" {
		t.Errorf("told %+v", got)
	}
	if got := listener(r.home, "frontend", 0).Bound().String(); got != before.Frontend {
		t.Errorf("bound to %s", got)
	}
}
