package config

import (
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// defaultFile is a file in which nothing is written. The defaults that depend on other keys are where those are read: count is max(1, min).
func defaultFile(opts Options) File {
	return File{
		Folder: opts.Folder,
		Spec:   fleet.Spec{Name: nameOf(opts.Folder), MaxStarting: max(1, min(opts.CPUs, 4)), OrphanGrace: time.Minute},
		Log:    Log{Level: "info", Format: "auto", Workers: true, Keep: 8 << 20, Files: 4, KeepUnused: 7 * 24 * time.Hour},
	}
}

func defaultService(name, folder string) fleet.Service {
	return fleet.Service{
		Name: name,
		Delivery: fleet.Delivery{
			Heartbeat: time.Second, HeartbeatTimeout: 10 * time.Second,
			Attempts: 3, Queue: 100_000, QueueBytes: 1 << 30, MaxMessage: 1 << 30, ClientBuffer: 64 << 20,
			DeadLetters: 64 << 20, DeadLettersAge: 7 * 24 * time.Hour,
			Eject: 10 * time.Second, MaxEjected: 50,
		},
		Workers: fleet.Workers{Dir: folder, Grace: 30 * time.Second, StartTimeout: 30 * time.Second, MaxSurge: fleet.Share{N: 1}},
		Restart: fleet.Restart{
			Delay:     500 * time.Millisecond,
			MaxDelay:  30 * time.Second,
			Jitter:    20,
			Reset:     time.Minute,
			Failures:  5,
			Window:    time.Minute,
			NoRestart: []int{78}, // EX_CONFIG in sysexits.h
		},
		Health: fleet.Health{Interval: time.Second, Timeout: 2 * time.Second, Failures: 3, DumpSignal: "SIGQUIT", MaxUnhealthy: fleet.Share{Percent: 25}},
	}
}

// defaultAutoscale is between the bounds for scaling by hand, if there are any; Max 0: it has to be written.
func defaultAutoscale(w fleet.Workers) fleet.Autoscale {
	return fleet.Autoscale{
		Min: max(w.Min, 1), Max: w.Max,
		TargetWait:   50 * time.Millisecond,
		TargetBusy:   75,
		UpCooldown:   3 * time.Second,
		DownAfter:    time.Minute,
		DownCooldown: 15 * time.Second,
		IdleAfter:    5 * time.Minute,
	}
}

// defaultPluginDir is relative to the file's folder.
const defaultPluginDir = "plugins"

// namePattern is what fleets and services may be called: the names stand in paths, in worker names (hello/3#7) and on command lines.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

const nameRule = "a name has 1 to 32 of a-z, 0-9, _ and -, and begins with a letter or a digit"

var notInName = regexp.MustCompile(`[^a-z0-9_-]+`)

// nameOf makes a fleet's name of a folder's.
func nameOf(folder string) string {
	name := notInName.ReplaceAllString(strings.ToLower(filepath.Base(folder)), "-")
	name = strings.TrimLeft(name, "_-")
	name = strings.TrimRight(name[:min(len(name), 32)], "-")
	if name == "" {
		return "fleet"
	}
	return name
}
