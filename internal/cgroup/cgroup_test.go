package cgroup

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/zfleet/zfleet/internal/cgroup/cgrouptest"
)

// The test binary is also a supervisor, perhaps in a group that was delegated to it.
func TestMain(m *testing.M) {
	if os.Getenv("CGROUP_TEST_ROLE") == "supervisor" {
		s, err := supervise()
		if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
			panic(err)
		}
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// seen is what the supervisor has to say.
type seen struct {
	Refused     bool   // it has no group to divide
	Self        string // its own group, below the delegated one
	Worker      string // a worker's, at its first breath
	Stray       string // of one that left its process group, its session and its environment
	Predecessor bool   // what a predecessor left is still there
	Kept        bool   // but for what was to be kept, which is beside a new group of the same name
	Ended       bool   // all of the group, and the group
	Twice       bool   // ending it again is no error
	Signal      string // that ended the worker
	Left        int    // groups, beside the supervisor's
}

func supervise() (s seen, err error) {
	tree, err := Take()
	if err != nil {
		return seen{Refused: true}, nil //nolint:nilerr // it is what the test asks
	}
	old, err := tree.Make("old.0.1", Limits{})
	if err != nil {
		return s, err
	}
	if _, _, err := begin(old, "echo; sleep 1000"); err != nil {
		return s, err
	}
	proxy, err := tree.Make("hello.proxy.1", Limits{})
	if err != nil {
		return s, err
	}
	orphan, _, err := begin(proxy, "echo; sleep 1000")
	if err != nil {
		return s, err
	}
	if tree, err = take(tree.base, []int{orphan.Process.Pid}); err != nil { // as the next one would, after kill -9
		return s, err
	}
	s.Predecessor = exists(old.path)
	s.Kept = orphan.Process.Signal(syscall.Signal(0)) == nil && exists(proxy.path) && tree.Kept(orphan.Process.Pid).path == proxy.path
	if proxy, err = tree.Make("hello.proxy.1", Limits{}); err != nil { // beside it
		return s, err
	}
	proxy.Entered()
	proxy.End()
	s.Kept = s.Kept && tree.Kept(orphan.Process.Pid).End()
	_ = orphan.Wait()
	g, err := tree.Make("hello.0.1", Limits{CPUs: 1.5, Memory: 1 << 30})
	if err != nil {
		return s, err
	}
	cmd, said, err := begin(g, "cat /proc/self/cgroup; mkdir "+g.path+"/below; setsid env -i sh -c 'cat /proc/self/cgroup; sleep 1000' & exec sleep 1000")
	if err != nil {
		return s, err
	}
	below := func(text string) string {
		return strings.TrimPrefix(filepath.Join("/", groupIn(text)), groupOf(tree.base))
	}
	s.Worker, s.Stray = below(said[0]), below(said[1])
	own, err := os.ReadFile("/proc/self/cgroup")
	s.Self = below(string(own))
	s.Ended, s.Twice = g.End(), g.End()
	_ = cmd.Wait()
	s.Signal = cmd.ProcessState.Sys().(syscall.WaitStatus).Signal().String()
	entries, _ := os.ReadDir(tree.base)
	for _, e := range entries {
		if e.IsDir() && e.Name() != leaf {
			s.Left++
		}
	}
	return s, err
}

// groupIn is the path in the text of a /proc/PID/cgroup, groupOf in that of a folder.
func groupIn(text string) (path string) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "0::"); ok {
			path = strings.TrimSpace(rest)
		}
	}
	return path
}

func groupOf(dir string) string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err.Error()
	}
	root, err := locate("0::/\n", string(mounts))
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(dir, root)
}

// begin starts a shell in the group, and reads two answers of its script: what the shell said, and what its child did.
func begin(g *Group, script string) (*exec.Cmd, []string, error) {
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD()}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	g.Entered()
	if !strings.HasPrefix(script, "cat") {
		return cmd, nil, nil
	}
	var text []byte
	for strings.Count(string(text), "0::") < 2 || text[len(text)-1] != '\n' {
		buf := make([]byte, 4096)
		n, err := out.Read(buf)
		if err == io.EOF {
			return nil, nil, fmt.Errorf("the script said only %q", text)
		}
		text = append(text, buf[:n]...)
	}
	at := strings.Index(string(text), "0::")
	second := at + 3 + strings.Index(string(text[at+3:]), "0::")
	return cmd, []string{string(text[:second]), string(text[second:])}, nil
}

// In a delegated group every life has one of its own from its first breath, and nothing gets away. Without one, Take says so and nothing is
// changed.
func TestDelegatedGroup(t *testing.T) {
	for _, path := range []string{cgrouptest.Delegated(t), ""} {
		t.Logf("delegated: %q", path)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "CGROUP_TEST_ROLE=supervisor")
		cmd.Stderr = os.Stderr
		cgrouptest.Enter(t, cmd, path)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var got seen
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		want := seen{Refused: true}
		if path != "" {
			want = seen{Kept: true, Self: "/supervisor", Worker: "/hello.0.1", Stray: "/hello.0.1", Ended: true, Twice: true, Signal: "killed"}
		}
		if got != want {
			t.Errorf("delegated %q:\ngot  %+v\nwant %+v", path, got, want)
		}
	}
}

func TestWhatIsNotDelegated(t *testing.T) {
	base := t.TempDir()
	expect := func(pid int, words string) {
		t.Helper()
		if err := delegated(base, pid); err == nil && words != "" || err != nil && (words == "" || !strings.Contains(err.Error(), words)) {
			t.Errorf("process %d: %v, want %q", pid, err, words)
		}
	}
	touch := func(name string) {
		if err := os.WriteFile(filepath.Join(base, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect(1, "the root of all control groups")
	touch("cgroup.type")
	expect(100, "Delegate=yes in its unit does that")
	expect(1, "cannot be written")
	touch("cgroup.procs")
	expect(1, "has no cgroup.kill")
	touch("cgroup.kill")
	expect(1, "")
}

func TestLocate(t *testing.T) {
	const (
		v1      = "31 24 0:27 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory\n"
		unified = v1 + "34 24 0:30 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
		bind    = "34 24 0:30 /a\\040b /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n"
	)
	for _, test := range []struct{ cgroup, mounts, want string }{
		{"0::/system.slice/zfleet-hello.service\n", unified, "/sys/fs/cgroup/system.slice/zfleet-hello.service"},
		{"4:memory:/x\n0::/\n", unified, "/sys/fs/cgroup"},
		{"0::/a b/c\n", bind, "/mnt/my groups/c"},
		{"0::/other\n", bind, "the group of this process is not mounted"},
		{"0::/a bc\n", bind, "the group of this process is not mounted"},
		{"0::/../outside\n", unified, errNotMounted.Error()},
		{"4:memory:/x\n", unified, errNoV2.Error()},
		{"0::/x\n", v1, "the group of this process is not mounted"},
		{"", "", errNoV2.Error()},
	} {
		got, err := locate(test.cgroup, test.mounts)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q in %q: %s, want %s", test.cgroup, test.mounts, got, test.want)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, test := range []struct {
		limits Limits
		want   []setting
	}{
		{Limits{}, nil},
		{Limits{Memory: 512 << 20}, []setting{{"memory", "memory.max", "536870912"}, {"memory", "memory.oom.group", "1"}}},
		{Limits{CPUs: 1.5}, []setting{{"cpu", "cpu.max", "150000 100000"}}},
		{Limits{CPUs: 0.001}, []setting{{"cpu", "cpu.max", "1000 100000"}}}, // the kernel takes no less
	} {
		if got := settings(test.limits); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.limits, got, test.want)
		}
	}
}

// What a tree without the controllers cannot do, it says; what it can, it writes.
func TestMissingControllers(t *testing.T) {
	both := Limits{Memory: 1, CPUs: 1}
	for _, test := range []struct {
		tree   *Tree
		limits Limits
		want   string
	}{
		{nil, both, "[cpu memory]"},
		{nil, Limits{}, "[]"},
		{&Tree{controllers: []string{"memory"}}, both, "[cpu]"},
		{&Tree{controllers: []string{"cpu", "memory"}}, both, "[]"},
	} {
		if got := fmt.Sprint(test.tree.Missing(test.limits)); got != test.want {
			t.Errorf("%+v of %+v: %s, want %s", test.limits, test.tree, got, test.want)
		}
	}
	tree := &Tree{base: t.TempDir(), controllers: []string{"memory"}}
	if _, err := tree.Make("hello.0.1", both); err == nil || !strings.HasPrefix(err.Error(), "cannot limit control group "+tree.base+"/hello.0.1: ") {
		t.Errorf("a folder without memory.max: %v", err)
	}
	if exists(filepath.Join(tree.base, "hello.0.1")) {
		t.Error("the group is left")
	}
}

func TestRanOutOfMemory(t *testing.T) {
	g := &Group{path: t.TempDir()}
	for text, want := range map[string]bool{
		"low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 1\n": true,
		"low 0\nhigh 0\nmax 12\noom 3\noom_kill 0\noom_group_kill 0\n": false,
		"oom_kill x\noom_group_kill 5\n":                               false,
		"":                                                             false,
	} {
		if err := os.WriteFile(filepath.Join(g.path, "memory.events"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := g.RanOutOfMemory(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
