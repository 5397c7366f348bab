package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	s, err := parse(strings.Fields("-case kill,latency -rounds 5 -seconds 0.5 -o json -- other {fe} {be}"), io.Discard)
	if err != nil || len(s.cases) != 2 || s.cases[0].name != "latency" || s.rounds != 5 || s.seconds != 0.5 || !s.json ||
		s.ours[0] != "other" || s.docs != "" {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := parse(nil, io.Discard); err != nil || len(s.cases) != len(scenarios) || !slices.Equal(s.ours, defaultCommand) {
		t.Errorf("without flags: %+v, %v", s, err)
	}
	const known = ": the cases are pipelined,latency,mixed,fair,idle,large,kill"
	for args, want := range map[string]string{
		"-case latency,fast":    `cannot measure "fast"` + known,
		"-case latency,latency": `cannot measure "latency"` + known,
		"-case ,":               `cannot measure ""` + known,
		"-o xml":                `cannot print "xml": it is table or json`,
		"-rounds 0":             "cannot measure less than one round of 0.1 seconds, and one request",
		"-seconds 0.01":         "cannot measure less than one round of 0.1 seconds, and one request",
		"-singles 0":            "cannot measure less than one round of 0.1 seconds, and one request",
		"-rounds many":          `invalid value "many" for flag -rounds: parse error`,
		"-- proxy {fe}":         `cannot measure "proxy {fe}": it needs {fe} and {be} where its endpoints go`,
	} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", args, err, want)
		}
	}
}

func TestParseFigures(t *testing.T) {
	f, err := parseFigures("rps=5 p50=1.5 lost=0")
	if err != nil || !maps.Equal(f, figures{"rps": 5, "p50": 1.5, "lost": 0}) {
		t.Errorf("got %v, %v", f, err)
	}
	for _, bad := range []string{"", "ready", "rps=", "rps=fast", "=", "rps=1 ready"} {
		if f, err := parseFigures(bad); err == nil {
			t.Errorf("%q gave %v", bad, f)
		}
	}
}

func TestFreePorts(t *testing.T) {
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	if different := slices.Compact(slices.Sorted(slices.Values(ports))); len(different) != 20 {
		t.Errorf("%d different ports of 20", len(different))
	}
}

var compiled struct {
	dir string
	err error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "zfleet-bench-test-")
	if err == nil {
		err = compile(context.Background(), dir)
	}
	compiled.dir, compiled.err = dir, err
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

func programs(t *testing.T) string {
	t.Helper()
	if compiled.err != nil {
		t.Fatal(compiled.err)
	}
	return compiled.dir
}

// once is a short round of one case and side.
func once(t *testing.T, name string, on side, seconds float64) figures {
	t.Helper()
	cases, err := scenariosNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := cases[0].once(t.Context(), settings{seconds: seconds}, programs(t), on)
	if err != nil {
		t.Fatal(err)
	}
	if left := children(os.Getpid()); len(left) > 0 {
		t.Errorf("%s leaves processes: %v", name, left)
	}
	return f
}

// Every case of throughput and latency gives what its rows need.
func TestLoads(t *testing.T) {
	for name, figure := range map[string]string{"pipelined": "cpu", "latency": "p50", "mixed": "p90", "fair": "p50", "large": "cpu"} {
		if f := once(t, name, baseline, 0.3); f[figure] <= 0 {
			t.Errorf("%s: no %s in %s", name, figure, f)
		}
	}
	for _, s := range slices.DeleteFunc(scenarios[1].sides(), func(s side) bool { return s == ours }) {
		if f := once(t, "latency", s, 0.2); f["p50"] <= 0 {
			t.Errorf("%s: no latency in %s", s, f)
		}
	}
}

// zmq_proxy is known to take a core when it has a request and no worker, and to lose requests when workers are killed. It has to show.
func TestIdleAndKill(t *testing.T) {
	if f := once(t, "idle", baseline, 0.5); f["cores"] < 0.1 {
		t.Errorf("zmq_proxy spun at %s", f)
	}
	if f := once(t, "kill", baseline, 1.2); f["lost"] < 1 || f["duplicates"] != 0 || f["wrong"] != 0 {
		t.Errorf("zmq_proxy lost nothing, or did more than that: %s", f)
	}
}

// From flags to JSON.
func TestRun(t *testing.T) {
	flags := strings.Fields("-case pipelined -rounds 2 -seconds 0.2 -o json --")
	args := append(flags, filepath.Join(programs(t), "zmq_proxy"), "{fe}", "{be}")
	var out, progress strings.Builder
	if status := run(t.Context(), args, &out, &progress); status != 0 {
		t.Fatalf("status %d: %s", status, progress.String())
	}
	var r report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	if c := r.Cases[0]; len(c.Runs[baseline]) != 2 || len(c.Runs[ours]) != 2 || c.Rows[0].Ratio == 0 || r.Machine == "" || r.Commit == "" {
		t.Errorf("got %+v", r)
	}
	var order []string
	for line := range strings.Lines(progress.String()) {
		order = append(order, strings.Fields(line)[1])
	}
	if got := strings.Join(order, " "); got != "zmq_proxy zfleet zfleet zmq_proxy" {
		t.Errorf("sides did not take turns in going first:\n%s", progress.String())
	}
}

// A proxy that does not run is an error with its own words, soon.
func TestProxyThatDoesNotRun(t *testing.T) {
	for want, command := range map[string][]string{
		"it ended before it listened; the proxy has ended: echo ended too early": {"echo", "{fe}", "{be}"},
		"No such file":                         {"ls", "/no/such/{fe}{be}"},
		"cannot start /no/such/program":        {"/no/such/program", "{fe}", "{be}"},
		"the proxy has ended: sh: signal: kil": {"sh", "-c", "kill -9 $$", "{fe}", "{be}"},
	} {
		s := settings{seconds: 0.1, ours: command}
		if _, err := scenarios[0].once(t.Context(), s, t.TempDir(), ours); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q in it", command, err, want)
		}
	}
}

// A process is killed with what it has started: its output ends when the last who has it open is gone.
func TestKillEndsTheGroup(t *testing.T) {
	p, err := launch([]string{"sh", "-c", "sleep 1000 & echo started; wait"}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.says(t.Context(), "started"); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.kill() // again is no harm
}
