package cgroup

import (
	"errors"
	"path/filepath"
	"strings"
)

var (
	errNoV2       = errors.New("this machine has no control groups of version 2")
	errNotMounted = errors.New("the group of this process is not mounted")
)

// locate finds the folder of a process's group from its /proc/PID/cgroup and /proc/PID/mountinfo: cgroups(7), proc_pid_mountinfo(5).
func locate(cgroup, mountinfo string) (string, error) {
	group := ""
	for line := range strings.Lines(cgroup) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			group = strings.TrimSuffix(path, "\n")
		}
	}
	switch {
	case group == "":
		return "", errNoV2
	case strings.HasPrefix(group, "/.."): // outside of its own cgroup namespace
		return "", errNotMounted
	}
	for line := range strings.Lines(mountinfo) {
		mount, about, _ := strings.Cut(line, " - ")
		fields := strings.Fields(mount)
		if !strings.HasPrefix(about, "cgroup2 ") || len(fields) < 5 {
			continue
		}
		rel, err := filepath.Rel(unescape(fields[3]), group)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return filepath.Join(unescape(fields[4]), rel), nil
		}
	}
	return "", errNotMounted
}

// unescape undoes what mountinfo does to paths.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}
