package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// minimal is the least that a fleet.toml must say.
const minimal = `
[service.hello]
frontend = "tcp://*:5559"
backend  = "tcp://*:5560"
[service.hello.workers]
plugin = "hello"
`

// row is a key as docs/fleet-toml.md describes it.
type row struct{ table, name, kind, standard string }

var (
	headingPattern = regexp.MustCompile("^## `\\[(.*)\\]`$")
	rowPattern     = regexp.MustCompile("^\\| `([a-z_]+)` \\| ([^|]+) \\| ([^|]+) \\| [^|]+ \\|$")
	literalPattern = regexp.MustCompile("^`([^`]+)`$")
)

func documented(t *testing.T) (rows []row, tables []string) {
	t.Helper()
	table := ""
	for _, line := range strings.Split(string(readFile(t, "../../docs/fleet-toml.md")), "\n") {
		if match := headingPattern.FindStringSubmatch(line); match != nil {
			table = match[1]
			tables = append(tables, table)
		}
		if match := rowPattern.FindStringSubmatch(line); match != nil {
			rows = append(rows, row{table, match[1], match[2], match[3]})
		}
	}
	return rows, tables
}

// The documentation has exactly the keys that Parse reads, with their types.
func TestDocsHaveEveryKey(t *testing.T) {
	p := &parser{opts: testOptions}
	root, err := p.decode([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	p.read(root)
	rows, tables := documented(t)
	want, got := map[string]bool{}, map[string]bool{}
	for _, k := range p.keys {
		if k.kind == "table" && (slices.Contains(tables, join(k.table, k.name)) || join(k.table, k.name) == "service") {
			continue
		}
		want[join(k.table, k.name)+": "+k.kind] = true
	}
	for _, r := range rows {
		got[join(r.table, r.name)+": "+r.kind] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("docs/fleet-toml.md has\n%s\nParse reads\n%s", lines(got), lines(want))
	}
}

func lines(set map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), "\n")
}

// Writing a documented default changes nothing.
func TestDocsHaveTheDefaults(t *testing.T) {
	want := parseGood(t, minimal)
	rows, _ := documented(t)
	literals := 0
	for _, r := range rows {
		match := literalPattern.FindStringSubmatch(r.standard)
		if match == nil {
			continue
		}
		literals++
		want := want
		if r.table == "service.hello.autoscale" { // of which one key has to be written
			want = parseGood(t, minimal+"[service.hello.autoscale]\nmax = 8\n")
		}
		if got := parseGood(t, withKey(r, match[1])); !reflect.DeepEqual(got, want) {
			t.Errorf("%s.%s = %s is not the default: got %+v, want %+v", r.table, r.name, match[1], got, want)
		}
	}
	if literals < 20 {
		t.Errorf("only %d defaults are documented as values", literals)
	}
}

// withKey is the minimal file with one key more.
func withKey(r row, literal string) string {
	line := join(r.table, r.name) + " = " + literal + "\n"
	if r.table == "service.hello.autoscale" {
		line += r.table + ".max = 8\n"
	}
	return line +
		"service.hello.frontend = \"tcp://*:5559\"\nservice.hello.backend = \"tcp://*:5560\"\nservice.hello.workers.plugin = \"hello\"\n"
}

// The words for defaults that are not values hold as well.
func TestDefaultsThatDepend(t *testing.T) {
	f := parseGood(t, minimal+"min = 4\n")
	if got := f.Spec.Services[0].Workers.Count; got != 4 {
		t.Errorf("count is %d with min = 4", got)
	}
	if f.Spec.Name != "fleet" || parseGood(t, minimal).Spec.Services[0].Workers.Count != 1 || f.Admin.Socket != "" {
		t.Errorf("got %+v", f)
	}
}

func TestDocsExampleIsRight(t *testing.T) {
	_, rest, _ := strings.Cut(string(readFile(t, "../../docs/fleet-toml.md")), "```toml\n")
	example, _, _ := strings.Cut(rest, "```")
	if f := parseGood(t, example); f.Spec.Services[0].Workers.Count != 3 {
		t.Errorf("got %+v", f)
	}
}

// `make up` starts it.
func TestHelloFleetIsRight(t *testing.T) {
	s := parseGood(t, string(readFile(t, "../../fleet.toml"))).Spec.Services[0]
	if s.Frontend[0] != "tcp://*:5559" || s.Backend[0] != "tcp://*:5560" || s.Workers.Count != 3 || s.Workers.Plugin == "" {
		t.Errorf("got %+v", s)
	}
}

func parseGood(t *testing.T, text string) File {
	t.Helper()
	f, err := Parse("fleet.toml", []byte(text), testOptions)
	if err != nil {
		t.Fatalf("%s\n%s", text, err)
	}
	return f
}

// Signals scale the first service.
func TestServicesAreInTheFilesOrder(t *testing.T) {
	text, want := "", []string{"m", "z", "a", "q", "c", "y", "b", "x"}
	for _, name := range want {
		text += "[service." + name + "]\nfrontend = \"tcp://*:*\"\nbackend = \"tcp://*:*\"\nworkers.plugin = \"hello\"\n"
	}
	var got []string
	for _, s := range parseGood(t, text).Spec.Services {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNameOf(t *testing.T) {
	for folder, want := range map[string]string{
		"/srv/hello":                       "hello",
		"/srv/My Fleet (old)":              "my-fleet-old",
		"/":                                "fleet",
		"/srv/__x__":                       "x__",
		"/srv/été":                         "t",
		"/srv/" + strings.Repeat("a-", 20): strings.Repeat("a-", 15) + "a",
	} {
		if got := nameOf(folder); got != want || !namePattern.MatchString(got) {
			t.Errorf("nameOf(%q) = %q, want %q", folder, got, want)
		}
	}
}

func TestMaxStarting(t *testing.T) {
	for cpus, want := range map[int]int{0: 1, 1: 1, 2: 2, 4: 4, 64: 4} {
		if got := defaultFile(Options{CPUs: cpus}).Spec.MaxStarting; got != want {
			t.Errorf("%d CPUs: %d, want %d", cpus, got, want)
		}
	}
}
