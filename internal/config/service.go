package config

import (
	"strings"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// The bounds of numbers are far above what is sensible: they are there for the slip of a finger.
const (
	maxWorkers     = 10_000
	maxConcurrency = 1024
	maxPrefetch    = 128
	maxAttempts    = 1000
	maxQueue       = 100_000_000
	maxFailures    = 1000
	maxRequests    = 1_000_000_000
)

// A limit below these would have every worker replaced as soon as it is ready.
const (
	shortestAge = time.Second
	leastMemory = 1 << 20
)

// What a worker needs to run at all, and more than any machine has.
const (
	leastCPUs = 0.01
	maxCPUs   = 10_000
)

// soonest is the shortest time that something is waited for: without one, a failing worker would be restarted in a circle.
const soonest = 10 * time.Millisecond

func (p *parser) service(t *table, name, pluginDir string, bound *bindings) fleet.Service {
	s := defaultService(name, p.opts.Folder)
	s.Frontend = bound.endpoints(t, name, "frontend", "tcp://*:5559")
	s.Backend = bound.endpoints(t, name, "backend", "tcp://*:5560")
	workers := t.table("workers")
	p.workers(workers, pluginDir, &s.Workers)
	p.autoscale(t.table("autoscale"), workers, &s)
	p.restart(t.table("restart"), &s.Restart)
	p.health(t.table("health"), &s)
	p.delivery(t.table("delivery"), &s.Delivery)
	t.done()
	return s
}

func (p *parser) workers(t *table, pluginDir string, w *fleet.Workers) {
	p.numberOfWorkers(t, w)
	concurrency, ok := t.integer("concurrency", 0, maxConcurrency, &w.Concurrency)
	p.env(t.table("env"), w)
	if v, ok := t.text("dir", ".", &w.Dir); ok {
		w.Dir = p.absolute(w.Dir)
		p.checkDir(v, w.Dir)
	}
	t.duration("grace", 0, &w.Grace)
	t.duration("start_timeout", soonest, &w.StartTimeout)
	t.duration("min_ready", 0, &w.MinReady)
	p.recycling(t, w)
	p.limits(t, w)
	p.program(t, pluginDir, w)
	if ok && w.Concurrency > 0 && w.Plugin == "" && w.Command != nil {
		p.complain(concurrency.at, "concurrency is for plugins: a command has one connection to zfleet, or makes more by itself")
	}
	t.done()
}

// recycling reads when a worker is replaced, and how many at a time.
func (p *parser) recycling(t *table, w *fleet.Workers) {
	t.integer("max_requests", 0, maxRequests, &w.MaxRequests)
	p.orNone(t, "max_age", shortestAge, &w.MaxAge)
	t.size("memory_max", 0, &w.MemoryMax)
	if w.MemoryMax > 0 && w.MemoryMax < leastMemory {
		p.complain(t.valueAt("memory_max"), "memory_max must be 0, for none, or at least %s; this is %s", formatSize(leastMemory), formatSize(w.MemoryMax))
	}
	t.share("max_surge", maxWorkers, &w.MaxSurge)
}

// limits reads what the processes of one worker may use together. 0 is no limit.
func (p *parser) limits(t *table, w *fleet.Workers) {
	t.size("memory_limit", 0, &w.MemoryLimit)
	if w.MemoryLimit > 0 && w.MemoryLimit < leastMemory {
		p.complain(t.valueAt("memory_limit"), "memory_limit must be 0, for none, or at least %s; this is %s",
			formatSize(leastMemory), formatSize(w.MemoryLimit))
	}
	t.fraction("cpus", 0, maxCPUs, &w.CPUs)
	if w.CPUs > 0 && w.CPUs < leastCPUs {
		p.complain(t.valueAt("cpus"), "cpus must be 0, for no limit, or at least %v; this is %v", leastCPUs, w.CPUs)
	}
}

// numberOfWorkers checks that count lies between min and max, whichever of them are written.
func (p *parser) numberOfWorkers(t *table, w *fleet.Workers) {
	_, hasMin := t.integer("min", 0, maxWorkers, &w.Min)
	most, hasMax := t.integer("max", 0, maxWorkers, &w.Max)
	w.Count = max(1, w.Min)
	count, hasCount := t.integer("count", 0, maxWorkers, &w.Count)
	switch {
	case hasMax && hasMin && w.Max > 0 && w.Max < w.Min:
		p.complain(most.at, "max (%d) is below min (%d)", w.Max, w.Min)
	case hasCount && w.Count < w.Min:
		p.complain(count.at, "count (%d) is below min (%d)", w.Count, w.Min)
	case hasCount && w.Max > 0 && w.Count > w.Max:
		p.complain(count.at, "count (%d) is above max (%d)", w.Count, w.Max)
	}
}

// program reads what a worker process is, and finds it.
func (p *parser) program(t *table, pluginDir string, w *fleet.Workers) {
	var command []string
	plugin, hasPlugin := t.text("plugin", "hello", &w.Plugin)
	program, hasCommand := t.texts("command", `["python3", "worker.py"]`, &command)
	switch {
	case hasPlugin && hasCommand:
		p.complain(program.at, "a worker is a plugin or a command, not both: leave one out")
	case hasPlugin:
		w.Plugin = p.found(plugin)(p.opts.Lookup.Plugin(w.Plugin, p.opts.Folder, pluginDir))
	case hasCommand && (len(command) == 0 || command[0] == ""):
		p.complain(program.at, "command is empty: write the program and its arguments, such as [\"python3\", \"worker.py\"]")
	case hasCommand:
		command[0] = p.found(program)(p.opts.Lookup.Command(command[0], w.Dir, w.Env["PATH"]))
		w.Command = command
	case plugin.raw == nil && program.raw == nil:
		p.complain(t.header(), "%s has no workers: write plugin = \"NAME\" or command = [\"PROGRAM\", …] under [%s]", t.service(), t.path)
	}
}

// found takes what a Lookup found, or complains of the value that it was asked for.
func (p *parser) found(v value) func(string, error) string {
	return func(path string, err error) string {
		if err != nil {
			p.complain(v.at, "%v", err)
		}
		return path
	}
}

// header is where this table begins, or where the table around it does when this one is not written.
func (t *table) header() span {
	for path := t.path; ; path = path[:max(0, strings.LastIndexByte(path, '.'))] {
		if at, ok := t.places[path]; ok || path == "" {
			return at.key
		}
	}
}

// service is what this table's service is called in a message.
func (t *table) service() string {
	return "service " + strings.Split(t.path, ".")[1]
}

func (p *parser) env(t *table, w *fleet.Workers) {
	for name, raw := range t.values {
		t.asked = append(t.asked, name)
		at := t.valueAt(name)
		s, isText := raw.(string)
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			p.complain(at, "%s cannot be the name of an environment variable", shown(name))
		case strings.HasPrefix(name, "ZFLEET_"):
			p.complain(at, "%s: variables that begin with ZFLEET_ are zfleet's own", shown(name))
		case !isText:
			p.complain(at, "%s must be a string: put quotes around it; this is %s", shown(name), typeOf(raw))
		case strings.ContainsRune(s, 0):
			p.complain(at, "%s cannot hold a zero byte", shown(name))
		case w.Env == nil:
			w.Env = map[string]string{name: s}
		default:
			w.Env[name] = s
		}
	}
}

func (p *parser) restart(t *table, r *fleet.Restart) {
	delay, _ := t.duration("delay", soonest, &r.Delay)
	most, ok := t.duration("max_delay", soonest, &r.MaxDelay)
	t.percent("jitter", &r.Jitter)
	t.duration("reset", 0, &r.Reset)
	t.integer("failures", 1, maxFailures, &r.Failures)
	t.duration("window", soonest, &r.Window)
	t.integers("no_restart", "[78]", 0, 255, &r.NoRestart)
	if r.MaxDelay < r.Delay {
		if !ok {
			most = delay
		}
		p.complain(most.at, "max_delay (%s) is below delay (%s)", formatDuration(r.MaxDelay), formatDuration(r.Delay))
	}
	t.done()
}

// orNone is a duration that can be left out by 0.
func (p *parser) orNone(t *table, key string, least time.Duration, to *time.Duration) (v value, ok bool) {
	v, ok = t.duration(key, 0, to)
	if ok && *to > 0 && *to < least {
		p.complain(v.at, "%s must be 0s, for none, or at least %s; this is %s", key, formatDuration(least), v.raw)
	}
	return v, ok
}
