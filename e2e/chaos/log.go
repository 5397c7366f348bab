package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
)

// logFile is what zfleet up writes.
type logFile struct{ file *os.File }

func newLogFile(path string) (*logFile, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	return &logFile{file}, err
}

func (l *logFile) lines() []string {
	text, err := os.ReadFile(l.file.Name())
	if err != nil {
		return []string{err.Error()}
	}
	return strings.Split(string(bytes.TrimSpace(text)), "\n")
}

// tail is its last n lines.
func (l *logFile) tail(n int) string {
	lines := l.lines()
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// crashes are words of the Go runtime that no process of ours may ever write. A worker's panic in a handler is none of them.
var crashes = []string{"WARNING: DATA RACE", "fatal error: ", "runtime error: "}

func (l *logFile) crashed() []string {
	return slices.DeleteFunc(l.lines(), func(line string) bool {
		return !slices.ContainsFunc(crashes, func(words string) bool { return strings.Contains(line, words) })
	})
}
