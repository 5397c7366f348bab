package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// state is the letter of a process's state, proc_pid_stat(5).
func state(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(t, err)
	_, after, _ := strings.Cut(string(stat), ") ")
	return after[:1]
}
