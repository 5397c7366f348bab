package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// memory is what a process has, in bytes.
type memory struct {
	rss       float64
	anonymous float64 // of that, what is no file: the heap, stacks and what the runtime keeps
	peak      float64 // of rss, ever
}

// memory reads proc_pid_status(5).
func (p *process) memory() memory {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)) // gone: nothing
	return memory{kilobytes(text, "VmRSS:"), kilobytes(text, "RssAnon:"), kilobytes(text, "VmHWM:")}
}

// kernelSlab is what the kernel's own objects take on the whole machine, sockets and all else.
func kernelSlab() float64 {
	text, _ := os.ReadFile("/proc/meminfo")
	return kilobytes(text, "Slab:")
}

// kilobytes reads "VmRSS:   1234 kB" and gives bytes.
func kilobytes(text []byte, name string) float64 {
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name {
			n, _ := strconv.ParseFloat(f[1], 64)
			return n * 1024
		}
	}
	return 0
}
