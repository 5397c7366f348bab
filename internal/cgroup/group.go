package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits are what all processes of a group may use together. 0 is no limit.
type Limits struct {
	Memory int64   // bytes
	CPUs   float64 // 1.5: one and a half of the machine's
}

// Missing are the controllers without which these limits cannot be held to.
func (t *Tree) Missing(l Limits) (missing []string) {
	for name, needed := range map[string]bool{"memory": l.Memory > 0, "cpu": l.CPUs > 0} {
		if needed && (t == nil || !slices.Contains(t.controllers, name)) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

// Group is one group. It is for one goroutine.
type Group struct {
	path string
	dir  *os.File // for clone3(2), until Entered
}

// Make makes a group of this name, with a number behind it if there is one that a process was kept in, with those of the limits for which there are controllers.
func (t *Tree) Make(name string, l Limits) (*Group, error) {
	g := &Group{path: filepath.Join(t.base, name)}
	err := os.Mkdir(g.path, 0o755)
	for n := 2; errors.Is(err, os.ErrExist) && len(t.kept) > 0; n++ {
		g.path = filepath.Join(t.base, fmt.Sprintf("%s-%d", name, n))
		err = os.Mkdir(g.path, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make control group %s: %w", g.path, err)
	}
	missing := t.Missing(l)
	for _, s := range settings(l) {
		if slices.Contains(missing, s.controller) {
			continue
		}
		if err := write(filepath.Join(g.path, s.file), s.text); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot limit control group %s: %w", g.path, err), os.Remove(g.path))
		}
	}
	if g.dir, err = os.Open(g.path); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open control group %s: %w", g.path, err), os.Remove(g.path))
	}
	return g, nil
}

type setting struct{ controller, file, text string }

// cpuPeriod is the kernel's default for cpu.max, in microseconds.
const cpuPeriod = 100_000

// settings are limits as the kernel takes them. A group that has no memory left ends as a whole: half a worker is of no use.
func settings(l Limits) (all []setting) {
	if l.Memory > 0 {
		all = append(all, setting{"memory", "memory.max", strconv.FormatInt(l.Memory, 10)}, setting{"memory", "memory.oom.group", "1"})
	}
	if l.CPUs > 0 {
		all = append(all, setting{"cpu", "cpu.max", fmt.Sprintf("%d %d", max(1000, int64(l.CPUs*cpuPeriod)), cpuPeriod)})
	}
	return all
}

// FD is what SysProcAttr.CgroupFD wants, until Entered.
func (g *Group) FD() int { return int(g.dir.Fd()) }

// Entered says that the first process is in the group, or never will be.
func (g *Group) Entered() { _ = g.dir.Close() }

// RanOutOfMemory says whether the kernel has ended one of its processes for want of memory.
func (g *Group) RanOutOfMemory() bool {
	text, err := os.ReadFile(filepath.Join(g.path, "memory.events"))
	return err == nil && number(string(text), "oom_kill") > 0
}

// number is what a flat keyed file, lines of "key number", says of a key; 0 if nothing.
func number(text, key string) int {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.Atoi(value); err == nil && name == key {
			return n
		}
	}
	return 0
}

const (
	endBound = time.Second
	endPoll  = 2 * time.Millisecond
)

// End kills all that is in the group, wherever it went, and removes the group. False: something still lives, which only the kernel can keep.
func (g *Group) End() bool {
	if err := write(filepath.Join(g.path, "cgroup.kill"), "1"); err != nil {
		return errors.Is(err, os.ErrNotExist) // it is gone
	}
	for end := time.Now().Add(endBound); ; time.Sleep(endPoll) {
		if g.remove() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// remove removes the group with those that were made below it, the deepest first. One with a living process in it cannot be removed.
func (g *Group) remove() bool {
	entries, _ := os.ReadDir(g.path)
	for _, e := range entries {
		if e.IsDir() {
			(&Group{path: filepath.Join(g.path, e.Name())}).remove()
		}
	}
	err := os.Remove(g.path)
	return err == nil || errors.Is(err, os.ErrNotExist)
}
