package house

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

const zmq = "github.com/pebbe/zmq4"

// rule is what one package, or all below a folder, may import of this module. Test files may import what they like.
type rule struct {
	dir    string
	may    []string
	std    bool // the standard library alone
	zmq    bool // may import libzmq
	reason string
}

var rules = []rule{
	{dir: "cmd/zfleet", may: []string{"internal/cli"}, reason: "main is one line"},

	{dir: "internal/cli", zmq: true, may: []string{"internal/admin", "internal/config", "internal/daemon", "internal/dead", "internal/endpoint",
		"internal/errorreply", "internal/export", "internal/load", "internal/spool", "internal/systemd", "internal/timeline", "internal/workerlog",
		"internal/passfd", "proxy", "proxy/control", "proxy/dispatch", "proxy/reference", "supervisor/fleet", "supervisor/launch"},
		reason: "commands put parts together; what they do is done elsewhere"},
	{dir: "internal/daemon", may: []string{"internal/admin", "internal/cgroup", "internal/config", "internal/dead", "internal/endpoint",
		"internal/systemd", "internal/timeline", "internal/vitals", "internal/workerlog", "proxy/control", "supervisor", "supervisor/autoscale",
		"supervisor/fleet", "supervisor/launch"},
		reason: "the wiring of `zfleet up` knows no flags and no signals"},
	{dir: "internal/admin", may: []string{"internal/endpoint"}, reason: "the admin API knows its types, not what is behind them"},
	{dir: "internal/config", may: []string{"internal/endpoint", "internal/errorreply", "supervisor/fleet"}, reason: "a fleet.toml becomes a Spec, no more"},
	{dir: "internal/load", zmq: true, reason: "it makes load from outside, as any client does"},
	{dir: "internal/dead", may: []string{"proxy/zmtp"}, reason: "a store on disk knows neither who writes nor who reads it"},
	{dir: "internal/errorreply", std: true, reason: "a template is text"},
	{dir: "internal/export", may: []string{"internal/config", "internal/endpoint", "supervisor/fleet"},
		reason: "a fleet.toml becomes the words of other programs, no more"},
	{dir: "internal/endpoint", reason: "everyone needs endpoints, so they need nobody"},
	{dir: "internal/systemd", may: []string{"internal/endpoint"}, reason: "it speaks for a service without knowing what that is"},
	{dir: "internal/cgroup", reason: "groups of processes, whoever they are"},
	{dir: "internal/cgroup/cgrouptest", reason: "it is for tests"},
	{dir: "internal/timeline", may: []string{"internal/spool"}, reason: "events are for whoever reads them, fleet or no fleet"},
	{dir: "internal/workerlog", may: []string{"internal/spool"}, reason: "lines are for whoever reads them, fleet or no fleet"},
	{dir: "internal/spool", std: true, reason: "lines in files, whatever they say"},
	{dir: "internal/await", std: true, reason: "it is for tests, of every package"},
	{dir: "internal/passfd", reason: "descriptors cross, whatever they are"},
	{dir: "internal/vitals", std: true, reason: "it looks at this process, whichever that is"},
	{dir: "internal/house", reason: "it has tests only"},

	{dir: "supervisor/reload", may: []string{"internal/endpoint", "supervisor/fleet"}, reason: "a plan is made of two specs"},
	{dir: "supervisor", may: []string{"supervisor/fleet", "supervisor/reload"}, reason: "processes are behind the interface Launcher"},
	{dir: "supervisor/autoscale", std: true, reason: "it decides by what it is told, without a clock"},
	{dir: "supervisor/fleet", std: true, reason: "the core decides, without a clock, a process or a goroutine"},
	{dir: "supervisor/launch", may: []string{"supervisor", "supervisor/fleet", "workerkit/control", "proxy/control", "internal/cgroup",
		"internal/dead", "internal/endpoint"},
		reason: "it knows workers and proxies by their contracts, not by their code"},

	{dir: "proxy", may: []string{"proxy/dispatch", "proxy/zmtp", "proxy/control", "proxy/handover", "internal/dead", "internal/endpoint", "internal/errorreply",
		"internal/passfd", "internal/vitals"}, reason: "the data plane runs without a supervisor"},
	{dir: "proxy/control", may: []string{"internal/endpoint", "internal/passfd"}, reason: "a contract has no code of either side"},
	{dir: "proxy/handover", may: []string{"proxy/control", "proxy/dispatch", "proxy/zmtp", "internal/dead"},
		reason: "a format knows values, and neither sockets nor who makes what of them"},
	{dir: "proxy/dispatch", std: true, reason: "the core decides, without a socket, a clock or a goroutine"},
	{dir: "proxy/dispatch/sim", may: []string{"proxy/dispatch"}, std: true, reason: "a seed tells the same story everywhere"},
	{dir: "proxy/zmtp", std: true, reason: "bytes in, bytes out"},
	{dir: "proxy/reference", zmq: true, may: []string{"internal/endpoint"}, reason: "it is libzmq's own proxy, to compare with"},
	{dir: "proxy/conformance", reason: "it has tests only"},
	{dir: "proxy/hostile", reason: "it has tests only"},

	{dir: "workerkit", zmq: true, may: []string{"workerkit/control"}, reason: "a worker author gets no supervisor with it"},
	{dir: "workerkit/control", reason: "a contract has no code of either side"},
	{dir: "workerkit/workertest", zmq: true, may: []string{"workerkit"}, reason: "it runs a handler as a worker author's test does"},
	{dir: "plugins/...", may: []string{"workerkit"}, reason: "our own plugins get no more than anybody's"},
	{dir: "examples/...", zmq: true, may: []string{"workerkit"}, reason: "an example works when it is copied out of this module"},

	{dir: "bench", may: []string{"bench/page"}, reason: "it measures the binary from outside"},
	{dir: "bench/page", std: true, reason: "it writes a table into a page"},
	{dir: "bench/policies", may: []string{"bench/page", "proxy/dispatch"}, reason: "it simulates who decides, without a proxy"},
	{dir: "e2e", reason: "it has tests only"},
	{dir: "e2e/chaos", zmq: true, may: []string{"internal/admin", "internal/await", "proxy/zmtp"},
		reason: "it looks at a fleet from outside; the peers that break ZMTP have to write it"},
}

// mayLink is who gets libzmq through others.
var mayLink = []string{"cmd/zfleet", "plugins/..."}

func TestImports(t *testing.T) {
	for _, complaint := range broken(packages(t)) {
		t.Error(complaint)
	}
}

// broken is every breach of the rules, sorted.
func broken(all map[string]*goPackage) (complaints []string) {
	for _, dir := range slices.Sorted(maps.Keys(all)) {
		i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.dir, dir) })
		if i < 0 {
			complaints = append(complaints, fmt.Sprintf("%s has no rule here: say what it may import, and why", dir))
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(all[dir].imports)) {
			if !rules[i].allows(name) {
				complaints = append(complaints, fmt.Sprintf("%s must not import %s: %s", dir, name, rules[i].reason))
			}
		}
		mayLink := rules[i].zmq || slices.ContainsFunc(mayLink, func(pattern string) bool { return matches(pattern, dir) })
		if !mayLink && links(all, dir)[zmq] && !all[dir].imports[zmq] {
			complaints = append(complaints, fmt.Sprintf("%s must not link %s through others: it stays in workers and clients", dir, zmq))
		}
	}
	return complaints
}

func (r rule) allows(name string) bool {
	switch dir := inModule(name); {
	case dir != "":
		return slices.Contains(r.may, dir)
	case name == zmq:
		return r.zmq
	}
	return !r.std || !external(name)
}

// The rules themselves are tried on a module that breaks each of them once.
func TestBrokenRulesAreFound(t *testing.T) {
	imports := func(names ...string) *goPackage {
		p := &goPackage{imports: map[string]bool{}}
		for _, name := range names {
			p.imports[name] = true
		}
		return p
	}
	all := map[string]*goPackage{
		"cmd/zfleet":       imports("os", module+"/internal/cli"),
		"internal/cli":     imports(module+"/internal/admin", module+"/proxy/reference", zmq),
		"internal/admin":   imports(module + "/supervisor"),
		"internal/daemon":  imports(zmq),
		"proxy/dispatch":   imports("golang.org/x/sys/unix", "slices"),
		"proxy/reference":  imports(zmq),
		"supervisor":       imports(module + "/workerkit"),
		"workerkit":        imports(zmq, "google.golang.org/grpc"),
		"plugins/hello":    imports(module + "/workerkit"),
		"plugins/borrower": imports(module + "/internal/endpoint"),
		"surprise":         imports(),
	}
	want := []string{
		"internal/admin must not import " + module + "/supervisor: ",
		"internal/admin must not link " + zmq + " through others: ",
		"internal/daemon must not import " + zmq + ": ",
		"plugins/borrower must not import " + module + "/internal/endpoint: ",
		"proxy/dispatch must not import golang.org/x/sys/unix: ",
		"supervisor must not import " + module + "/workerkit: ",
		"supervisor must not link " + zmq + " through others: ",
		"surprise has no rule here: ",
	}
	got := broken(all)
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
