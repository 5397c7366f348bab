// Package spool keeps lines in files that are bounded: when one is full it is turned over, PATH to PATH.1 and so on, and the oldest goes.
// [Open] writes one such file; a [Spool] writes many behind the back of those who have something to say, who never wait for a disk;
// [From] reads one from where the reader wants to begin, and goes on over its turns.
//
// A file is good after any end of its writer: what was written stays, and a last line that was cut off is nobody's. What the lines say
// is left to others.
package spool

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// What may wait to be written. Beyond it lines are dropped, and how many is written instead of them.
const (
	mostOfOne = 1 << 20
	mostOfAll = 64 << 20
)

// Options are what a Spool can do without.
type Options struct {
	// Pause is how long the writer rests between two rounds through the files, so that many small writes become one.
	Pause time.Duration
	// Lost makes the line, with its newline, that stands for so many which were not written. Without it nothing does.
	Lost func(lines int) []byte
	// Failed is told why a file cannot be written, at most once a minute. It is called by the writer.
	Failed func(err error)
}

// Spool writes files with one goroutine, run.
type Spool struct {
	opts Options
	wake chan struct{} // holds one when there may be something to write
	done chan struct{} // closed when run returns

	mu     sync.Mutex
	dirty  []*Writer // those that have something to be written, in the order in which they were given it
	held   int       // bytes of all that
	closed bool

	complained time.Time // run's alone
}

// New makes a spool; Close ends it.
func New(opts Options) *Spool {
	if opts.Lost == nil {
		opts.Lost = func(int) []byte { return nil }
	}
	if opts.Failed == nil {
		opts.Failed = func(error) {}
	}
	s := &Spool{opts: opts, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.run()
	return s
}

// Writer is one file of a Spool. It may be used by any goroutine.
type Writer struct {
	spool  *Spool
	path   string
	limits Limits

	// The rest is under the spool's lock.
	pending []byte
	missed  int // lines before those that are pending, which could not be written
	dropped int // lines after them, for which there was no room
}

// Writer makes a writer for a file, of which there must be one. The file, and the folder that it is in, are made when there is something to write.
func (s *Spool) Writer(path string, limits Limits) *Writer {
	return &Writer{spool: s, path: path, limits: limits}
}

// Write takes whole lines and never waits for a disk, nor fails: what there is no room for is dropped and counted.
func (w *Writer) Write(lines []byte) (int, error) {
	s := w.spool
	s.mu.Lock()
	if s.closed || len(w.pending)+len(lines) > mostOfOne || s.held+len(lines) > mostOfAll {
		w.dropped += bytes.Count(lines, newline)
	} else {
		if len(w.pending) == 0 {
			s.dirty = append(s.dirty, w)
		}
		w.pending = append(w.pending, lines...)
		s.held += len(lines)
	}
	s.mu.Unlock()
	s.rouse()
	return len(lines), nil
}

func (s *Spool) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it is roused already
	}
}

func (s *Spool) run() {
	defer close(s.done)
	for range s.wake {
		files, closed := s.take()
		for _, f := range files {
			s.flush(f)
		}
		if closed {
			return
		}
		time.Sleep(s.opts.Pause)
	}
}

func (s *Spool) take() (files []*Writer, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files, s.dirty = s.dirty, nil
	return files, s.closed
}

// flush writes what a file has. What cannot be written is lost: it would only grow.
func (s *Spool) flush(w *Writer) {
	was := s.empty(w)
	err := add(w.path, w.limits, slices.Concat(s.standIn(was.missed), was.pending, s.standIn(was.dropped)))
	if err == nil {
		return
	}
	s.mu.Lock()
	w.missed += was.missed + bytes.Count(was.pending, newline) + was.dropped
	s.mu.Unlock()
	if now := time.Now(); now.Sub(s.complained) >= time.Minute {
		s.complained = now
		s.opts.Failed(err)
	}
}

func (s *Spool) standIn(lines int) []byte {
	if lines == 0 {
		return nil
	}
	return s.opts.Lost(lines)
}

// empty takes what a writer holds.
func (s *Spool) empty(w *Writer) (was Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was = *w
	s.held -= len(was.pending)
	w.pending, w.missed, w.dropped = nil, 0, 0
	return was
}

// add opens the file for one round alone: thousands of workers that say little need no descriptors, and a file that somebody has removed is
// made again.
func add(path string, limits Limits, lines []byte) error {
	f, err := Open(path, limits)
	if errors.Is(err, fs.ErrNotExist) && os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		f, err = Open(path, limits)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(lines)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Close writes what was taken and ends the writer. It fails when ctx ends before that.
func (s *Spool) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.rouse()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
