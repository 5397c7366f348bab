package launch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/supervisor/fleet"
)

// What a worker has answered goes on growing, whatever becomes of its connections and of the proxy.
func TestAnswersOutliveLanes(t *testing.T) {
	var a answers
	began := time.Now()
	lane := func(id, answered uint64) control.Lane { return control.Lane{ID: id, Answered: answered, Since: began} }
	later := func(id, answered uint64) control.Lane {
		return control.Lane{ID: id, Answered: answered, Since: began.Add(time.Second)}
	}
	for _, step := range []struct {
		what  string
		lanes []control.Lane
		want  uint64
	}{
		{"none yet", nil, 0},
		{"two lanes", []control.Lane{lane(1, 5), lane(2, 3)}, 8},
		{"both answer", []control.Lane{lane(1, 7), lane(2, 4)}, 11},
		{"one connects again", []control.Lane{lane(1, 8), lane(3, 0)}, 12},
		{"and answers", []control.Lane{lane(1, 8), lane(3, 2)}, 14},
		{"another proxy, with the same numbers", []control.Lane{later(1, 1), later(3, 1)}, 12 + 2 + 2},
		{"all are gone", nil, 16},
	} {
		a.see(step.lanes)
		if got := a.total(); got != step.want {
			t.Errorf("%s: %d answered, want %d", step.what, got, step.want)
		}
	}
}

func TestMeasureOfRunningWorkers(t *testing.T) {
	t.Parallel()
	r := newRig(t, asCommand("command", "grandchild"))
	r.svc.Workers.MaxRequests, r.svc.Workers.MemoryMax = 10, 1<<30
	r.startProxy()
	name, p := r.launch(0, 1)
	r.ready(name, 1)
	measures := r.Measure(t.Context(), r.svc)
	m, ok := measures[name]
	if len(measures) != 2 || !ok || m.Stale || m.Requests != 0 {
		t.Errorf("measured: %+v", measures)
	}
	if alone := memoryOf(t, r.pid(name)); m.Memory <= alone {
		t.Errorf("the group has %d bytes, its leader alone %d", m.Memory, alone)
	}
	p.Stop()
	r.exit(name)
	if left := r.Measure(t.Context(), r.svc); len(left) != 1 {
		t.Errorf("measured after its end: %+v", left)
	}
	r.svc.Name = "nobody"
	if m := r.Measure(t.Context(), r.svc); m != nil {
		t.Errorf("measured: %+v", m)
	}
}

func memoryOf(t *testing.T, pid int) int64 {
	t.Helper()
	stat, err := statOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	return int64(stat.RSS) * int64(os.Getpagesize())
}

// A worker whose script is written anew is stale; one that is started after that is not.
func TestMeasureTellsOfAChangedProgram(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	script := filepath.Join(dir, "worker.sh")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(script+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(script+".new", script); err != nil {
			t.Fatal(err)
		}
	}
	run := "exec " + os.Args[0] + " command\n"
	write(run)
	r := newRig(t, fleet.Workers{Command: []string{"sh", "worker.sh"}, Dir: dir})
	r.startProxy()
	old, _ := r.launch(0, 1)
	r.ready(old, 1)
	if m := r.Measure(t.Context(), r.svc); m[old].Stale {
		t.Errorf("measured: %+v", m)
	}
	write(run + "# anew\n")
	await.Until(t, "the worker to be stale", func() bool { return r.Measure(t.Context(), r.svc)[old].Stale })
	young, _ := r.launch(1, 1)
	r.ready(young, 1)
	if m := r.Measure(t.Context(), r.svc); !m[old].Stale || m[young].Stale {
		t.Errorf("measured: %+v", m)
	}
}

func TestWhatChangesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-time.Hour)
	begin := func() []stamp {
		must(os.WriteFile(path, []byte("one"), 0o600))
		must(os.Chtimes(path, then, then))
		return stamps(path, []string{"-v", "no such file", t.TempDir()}, "/")
	}
	for what, change := range map[string]func(){
		"another size, the same time": func() {
			must(os.WriteFile(path, []byte("three"), 0o600))
			must(os.Chtimes(path, then, then))
		},
		"another time, the same size": func() { must(os.WriteFile(path, []byte("two"), 0o600)) },
		"another file": func() {
			must(os.WriteFile(path+"2", []byte("two"), 0o600))
			must(os.Chtimes(path+"2", then, then))
			must(os.Rename(path+"2", path))
		},
	} {
		files := begin()
		if len(files) != 1 || changed(files) {
			t.Errorf("%s: changed before it was: %+v", what, files)
		}
		if change(); !changed(files) {
			t.Errorf("%s: not seen", what)
		}
	}
	files := begin()
	must(os.Remove(path))
	if changed(files) {
		t.Error("a file that is gone counts as changed")
	}
}
