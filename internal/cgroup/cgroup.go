// Package cgroup is control groups, version 2, for the processes of a fleet: one group for each process life, below the group that was
// delegated to this process. [Take] takes that over, [Tree.Make] makes a group. What is in a group is its owner's to decide; who is in
// it, nobody can leave it unseen. The rules are those of https://docs.kernel.org/admin-guide/cgroup-v2.html and of systemd's
// https://systemd.io/CGROUP_DELEGATION.
package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Tree is the groups below the one that was delegated to this process.
type Tree struct {
	base        string   // the delegated group
	controllers []string // that groups in it have: memory, cpu
	kept        map[int]*Group
}

// leaf is the group that this process is in: the delegated one cannot have both processes and controllers for the groups below it.
const leaf = "supervisor"

// wanted are the controllers that limits need.
var wanted = []string{"memory", "cpu"}

// Take takes over the group that this process is in, if it was delegated: all its processes move into a group of their own below it, and
// what a predecessor left there is ended, but for the groups that the processes keep are in. The error is why there is none to take.
func Take(keep ...int) (*Tree, error) {
	cgroup, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	base, err := locate(string(cgroup), string(mounts))
	if err != nil {
		return nil, err
	}
	if err := delegated(base, os.Getpid()); err != nil {
		return nil, err
	}
	return take(base, keep)
}

// delegated says why a group is not this process's to divide. systemd marks those that are with an attribute; in a container process 1 has
// the whole of its own, if it may write there.
func delegated(base string, pid int) error {
	switch {
	case !exists(filepath.Join(base, "cgroup.type")):
		return errors.New("this process is in the root of all control groups")
	case !isMarked(base) && pid != 1:
		return fmt.Errorf("%s was not delegated to zfleet: Delegate=yes in its unit does that", base)
	case unix.Access(base, unix.W_OK) != nil || unix.Access(filepath.Join(base, "cgroup.procs"), unix.W_OK) != nil:
		return fmt.Errorf("%s cannot be written", base)
	case !exists(filepath.Join(base, "cgroup.kill")):
		return errors.New("the kernel is older than 5.14, and has no cgroup.kill")
	}
	return nil
}

// isMarked looks for what systemd sets where Delegate= does: the first on all that may be written by others than root.
func isMarked(base string) bool {
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		value := make([]byte, 8)
		if n, err := unix.Getxattr(base, name, value); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func take(base string, keep []int) (*Tree, error) {
	t := &Tree{base: base, kept: make(map[int]*Group)}
	if err := t.settle(); err != nil {
		return nil, fmt.Errorf("cannot move into a group below %s: %w", base, err)
	}
	t.clean(keep)
	available, err := os.ReadFile(filepath.Join(base, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	for _, name := range wanted {
		if slices.Contains(strings.Fields(string(available)), name) && t.write("cgroup.subtree_control", "+"+name) == nil {
			t.controllers = append(t.controllers, name)
		}
	}
	return t, nil
}

// Path is the group that was delegated, "" without one.
func (t *Tree) Path() string {
	if t == nil {
		return ""
	}
	return t.base
}

// Release takes the controllers back from the groups below a delegated one, for a supervisor that was killed. As long as they have some, their
// parent can have no processes, so that the next supervisor could not be started there: "no internal process constraint".
func Release(path string) (err error) {
	for _, name := range wanted {
		err = errors.Join(err, write(filepath.Join(path, "cgroup.subtree_control"), "-"+name))
	}
	return err
}

// settle moves all processes of the group into the leaf, until none is left: one of them may have been forking.
func (t *Tree) settle() error {
	if err := os.Mkdir(filepath.Join(t.base, leaf), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for range 100 {
		procs, err := os.ReadFile(filepath.Join(t.base, "cgroup.procs"))
		if err != nil {
			return err
		}
		if len(procs) == 0 {
			return nil
		}
		for _, pid := range strings.Fields(string(procs)) {
			if err := t.write(filepath.Join(leaf, "cgroup.procs"), pid); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
	return errors.New("there are always more processes in it")
}

// clean ends what a supervisor that was killed left in its groups.
func (t *Tree) clean(keep []int) {
	entries, _ := os.ReadDir(t.base)
	for _, e := range entries {
		if !e.IsDir() || e.Name() == leaf {
			continue
		}
		group := &Group{path: filepath.Join(t.base, e.Name())}
		if pid := group.holds(keep); pid != 0 {
			t.kept[pid] = group
		} else {
			group.End()
		}
	}
}

// Kept is the group of a process that Take left where it was, nil if it was in none.
func (t *Tree) Kept(pid int) *Group {
	if t == nil {
		return nil
	}
	return t.kept[pid]
}

// holds is the one of these processes that is in the group, 0 if none is.
func (g *Group) holds(pids []int) int {
	procs, _ := os.ReadFile(filepath.Join(g.path, "cgroup.procs"))
	for _, word := range strings.Fields(string(procs)) {
		if pid, err := strconv.Atoi(word); err == nil && slices.Contains(pids, pid) {
			return pid
		}
	}
	return 0
}

func (t *Tree) write(name, text string) error { return write(filepath.Join(t.base, name), text) }

// write is one write(2): a control file takes its text as a whole, and is not made if it is not there.
func write(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
