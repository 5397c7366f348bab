package reload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// key is one key of the fleet file and its value in words.
type key struct {
	name, value string
	secret      bool // its value is not told
}

func value(name string, v any) key { return key{name: name, value: fmt.Sprint(v)} }

// frontends and backends need another proxy with other listeners.
func frontends(s fleet.Service) []key { return []key{value("frontend", strings.Join(s.Frontend, " "))} }
func backends(s fleet.Service) []key  { return []key{value("backend", strings.Join(s.Backend, " "))} }

// delivery is what a proxy is told when it starts.
func delivery(d fleet.Delivery) []key {
	return []key{
		value("delivery.prefetch", d.Prefetch),
		value("delivery.redeliver", map[bool]string{true: "never", false: "always"}[d.Once]),
		value("delivery.timeout", d.Timeout),
		value("delivery.deadline", d.Deadline),
		value("delivery.heartbeat", d.Heartbeat),
		value("delivery.heartbeat_timeout", d.HeartbeatTimeout),
		value("delivery.attempts", d.Attempts),
		value("delivery.queue", d.Queue),
		value("delivery.queue_bytes", d.QueueBytes),
		value("delivery.overflow", map[bool]string{true: "reject", false: "block"}[d.Reject]),
		value("delivery.max_message", d.MaxMessage),
		value("delivery.client_buffer", d.ClientBuffer),
		value("delivery.dead_letters", d.DeadLetters),
		value("delivery.dead_letters_age", d.DeadLettersAge),
		value("delivery.eject", d.Eject),
		value("delivery.max_ejected", fmt.Sprintf("%d%%", d.MaxEjected)),
		value("delivery.error_reply", d.ErrorReply),
	}
}

// probe is what a proxy is told, too.
func probe(h fleet.Health) []key {
	return []key{value("health.probe", h.Probe), value("health.reply", h.Reply)}
}

// check is how a question about health is asked. A proxy that probes is told how that is for alive.
func check(name string, c fleet.Check) []key {
	name = "health." + name
	return []key{
		value(name+".interval", c.Interval), value(name+".timeout", c.Timeout),
		value(name+".failures", c.Failures), value(name+".successes", c.Successes),
	}
}

// program is what a worker process is, and what it may use. What is in its environment may be secret.
func program(w fleet.Workers) []key {
	keys := []key{
		value("workers.plugin", w.Plugin),
		value("workers.command", strings.Join(w.Command, " ")),
		value("workers.concurrency", w.Concurrency),
		value("workers.dir", w.Dir),
		value("workers.memory_limit", w.MemoryLimit),
		value("workers.cpus", w.CPUs),
	}
	for _, name := range slices.Sorted(maps.Keys(w.Env)) {
		keys = append(keys, key{name: "workers.env." + name, value: w.Env[name], secret: true})
	}
	return keys
}

// settings are the supervisor's own.
func settings(s fleet.Service) []key {
	w, r, h, a := s.Workers, s.Restart, s.Health, s.Autoscale
	return append([]key{
		value("workers.min", w.Min),
		value("workers.max", w.Max),
		value("workers.grace", w.Grace),
		value("workers.start_timeout", w.StartTimeout),
		value("workers.min_ready", w.MinReady),
		value("workers.max_requests", w.MaxRequests),
		value("workers.max_age", w.MaxAge),
		value("workers.memory_max", w.MemoryMax),
		value("workers.max_surge", w.MaxSurge),
		value("restart.delay", r.Delay),
		value("restart.max_delay", r.MaxDelay),
		value("restart.jitter", fmt.Sprintf("%d%%", r.Jitter)),
		value("restart.reset", r.Reset),
		value("restart.failures", r.Failures),
		value("restart.window", r.Window),
		value("restart.no_restart", r.NoRestart),
		value("health.interval", h.Interval),
		value("health.timeout", h.Timeout),
		value("health.failures", h.Failures),
		value("health.max_unhealthy", h.MaxUnhealthy),
		value("health.dump_signal", h.DumpSignal),
		value("autoscale.min", a.Min),
		value("autoscale.max", a.Max),
		value("autoscale.target_wait", a.TargetWait),
		value("autoscale.target_busy", a.TargetBusy),
		value("autoscale.up_cooldown", a.UpCooldown),
		value("autoscale.down_after", a.DownAfter),
		value("autoscale.down_cooldown", a.DownCooldown),
		value("autoscale.idle_after", a.IdleAfter),
	}, check("ready", h.Ready)...)
}

// changed tells the keys whose values differ, those that came and those that went.
func changed(old, next []key) (changes []string) {
	for _, k := range next {
		i := slices.IndexFunc(old, func(o key) bool { return o.name == k.name })
		switch {
		case i < 0:
			changes = append(changes, k.name+" added")
		case old[i].value == k.value:
		case k.secret:
			changes = append(changes, k.name+" changed")
		default:
			changes = append(changes, fmt.Sprintf("%s %s → %s", k.name, shown(old[i].value), shown(k.value)))
		}
	}
	for _, o := range old {
		if !slices.ContainsFunc(next, func(k key) bool { return k.name == o.name }) {
			changes = append(changes, o.name+" removed")
		}
	}
	return changes
}

func shown(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

func join(changes []string) string { return strings.Join(changes, ", ") }
