package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
)

var newline = []byte("\n")

// Limits is how much is kept.
type Limits struct {
	Size  int64 // bytes of one file; a line that is longer has a file for itself
	Files int   // the one that is written included; at least 1
}

// File is a file of lines that cannot fill a disk. It is for one goroutine, and for one process.
type File struct {
	path   string
	limits Limits
	file   *os.File
	size   int64
}

// Open opens a file to be added to.
func Open(path string, limits Limits) (*File, error) {
	f := &File{path: path, limits: limits}
	if err := f.open(); err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, reason(err))
	}
	return f, nil
}

// reason is an error without the path, which the message has already.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.size = file, info.Size()
	if !info.Mode().IsRegular() {
		f.limits.Size = math.MaxInt64 // a terminal or /dev/null cannot be full, and must not be renamed
		return nil
	}
	if f.torn() {
		return f.put(newline)
	}
	return nil
}

// torn says whether the last line has no end: its writer was killed, or the disk was full.
func (f *File) torn() bool {
	if f.size == 0 {
		return false
	}
	file, err := os.Open(f.path)
	if err != nil {
		return false // what cannot be read torments no reader
	}
	defer func() { _ = file.Close() }()
	last := make([]byte, 1)
	_, err = file.ReadAt(last, f.size-1)
	return err == nil && last[0] != '\n'
}

func (f *File) put(text []byte) error {
	n, err := f.file.Write(text)
	f.size += int64(n)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", f.path, reason(err))
	}
	return nil
}

// Write adds whole lines, and turns the file over where one has no room.
func (f *File) Write(lines []byte) (written int, err error) {
	for written < len(lines) {
		part := fitting(lines[written:], f.limits.Size-f.size)
		if part == 0 && f.size > 0 {
			f.turnOver()
			continue
		}
		if part == 0 { // a line that no file has room for
			first, _, _ := bytes.Cut(lines[written:], newline)
			part = min(len(first)+1, len(lines)-written)
		}
		if err := f.put(lines[written : written+part]); err != nil {
			return written, err
		}
		written += part
	}
	return written, nil
}

// fitting is how many bytes of whole lines have room.
func fitting(lines []byte, room int64) int {
	if int64(len(lines)) <= room {
		return len(lines)
	}
	return bytes.LastIndexByte(lines[:max(room, 0)], '\n') + 1
}

// turnOver begins a new file. Where the old one cannot be put aside its lines are given up, for the disk must not be filled.
func (f *File) turnOver() {
	old := f.file
	if f.limits.Files > 1 && shift(f.path, f.limits.Files) == nil && f.open() == nil {
		_ = old.Close()
		return
	}
	f.file, f.size = old, 0
	_ = old.Truncate(0)
}

// shift moves PATH.1 to PATH.2 and so on, the oldest first, and then PATH to PATH.1. Those beyond the limit are removed, also when there
// were to be more of them once.
func shift(path string, files int) error {
	for n := files - 1; os.Remove(numbered(path, n)) == nil; n++ {
		continue
	}
	for n := files - 2; n >= 0; n-- {
		if err := os.Rename(numbered(path, n), numbered(path, n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// numbered is the name of the nth file before the one that is written.
func numbered(path string, n int) string {
	if n == 0 {
		return path
	}
	return path + "." + strconv.Itoa(n)
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }
