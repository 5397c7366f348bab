package cli

import (
	"regexp"
	"slices"
	"strings"
)

// withoutRuntime is a stack dump without what says nothing about the program: in Go's, goroutines that are the runtime's own, and
// addresses. Any other is as it was.
func withoutRuntime(lines []string) (kept []string) {
	for _, block := range blocks(lines) {
		if isRuntimes(block) {
			continue
		}
		if len(kept) > 0 {
			kept = append(kept, "")
		}
		for _, line := range block {
			kept = append(kept, addresses.ReplaceAllString(line, ""))
		}
	}
	return kept
}

// addresses stand behind a frame's line in a dump on a signal.
var addresses = regexp.MustCompile(`( (fp|sp|pc)=0x[0-9a-f]+)+$`)

// blocks are what is between empty lines.
func blocks(lines []string) (all [][]string) {
	for len(lines) > 0 {
		n := slices.IndexFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" })
		if n < 0 {
			n = len(lines)
		}
		if n > 0 {
			all = append(all, lines[:n])
		}
		lines = lines[min(n+1, len(lines)):]
	}
	return all
}

// isRuntimes says whether a block is a goroutine in which only Go's runtime runs.
func isRuntimes(block []string) bool {
	return strings.HasPrefix(block[0], "goroutine ") && !slices.ContainsFunc(block[1:], func(line string) bool {
		return !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "runtime.") && !strings.HasPrefix(line, "created by runtime.")
	})
}
