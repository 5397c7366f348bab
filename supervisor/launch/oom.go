package launch

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// oomWatch finds out whether a process that was killed by nobody we know was killed by the kernel for want of memory. Nobody is told of
// that: the kernel only counts.
type oomWatch struct {
	count func() (kills uint64, ok bool)

	mu    sync.Mutex // several lives may end at a time
	known uint64     // kills that have been put down to some process
}

func newOOMWatch(count func() (uint64, bool)) *oomWatch {
	w := &oomWatch{count: count}
	w.known, _ = count()
	return w
}

// took says whether the kernel has killed one process more than is known of, and puts it down to the one that is asked about.
func (w *oomWatch) took() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	kills, ok := w.count()
	if !ok || kills <= w.known {
		return false
	}
	w.known++
	return true
}

// oomKills is how many processes the kernel has killed for want of memory: in zfleet's own control group, which its workers are in too, or,
// where that is not counted, on this machine.
func oomKills() (uint64, bool) {
	if kills, ok := counter(filepath.Join("/sys/fs/cgroup", ownGroup(), "memory.events"), "oom_kill"); ok {
		return kills, true
	}
	return counter("/proc/vmstat", "oom_kill") // since Linux 4.13
}

// ownGroup is this process's control group in the unified hierarchy: cgroups(7), /proc/[pid]/cgroup.
func ownGroup() string {
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		if group, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSpace(group)
		}
	}
	return ""
}

// counter reads one line of a file of names and numbers.
func counter(path, name string) (uint64, bool) {
	file, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer func() { _ = file.Close() }()
	for in := bufio.NewScanner(file); in.Scan(); {
		if words := strings.Fields(in.Text()); len(words) == 2 && words[0] == name {
			n, err := strconv.ParseUint(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
