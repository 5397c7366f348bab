package launch

import "github.com/prometheus/procfs"

// maxAncestors bounds the walk from a process to the worker that it descends from.
const maxAncestors = 32

// workerOf is the worker that a process belongs to, "" if none: the one whose process group it is in, or else the nearest one that it
// descends from, for a child that has left its group. A child whose parents are gone cannot be told.
func workerOf(pid int, groups map[int]string) string {
	for range maxAncestors {
		stat, err := statOf(pid)
		if err != nil {
			return ""
		}
		if name, ok := groups[stat.PGRP]; ok {
			return name
		}
		if name, ok := groups[pid]; ok {
			return name
		}
		pid = stat.PPID
	}
	return ""
}

// othersInGroup says whether somebody but its dead leader is in a process group. kill(2) cannot tell: the leader, as yet a zombie, counts.
func othersInGroup(pgid int) bool {
	processes, err := procfs.AllProcs()
	if err != nil {
		return false
	}
	for _, p := range processes {
		stat, err := p.Stat()
		if err == nil && stat.PGRP == pgid && stat.State != "Z" && p.PID != pgid {
			return true
		}
	}
	return false
}

func statOf(pid int) (procfs.ProcStat, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStat{}, err
	}
	return p.Stat()
}
