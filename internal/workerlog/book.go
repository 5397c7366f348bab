// Package workerlog is what workers and proxies print, kept in the fleet's state folder: logs/SERVICE/SLOT.log, each bounded and turned
// over. A [Book] writes them, [Read] reads them, merged by time, also while they are written or when no fleet runs.
//
// A line is an object of JSON as zerolog writes it: time, worker (the life: hello/3#7), stream (stdout or stderr) and message; and level
// and fields where the worker itself wrote JSON. Who cuts the lines and makes them is package launch.
package workerlog

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/zfleet/zfleet/internal/spool"
)

// pause is how long the writer rests between two rounds: so long a line may wait for its file.
const pause = 25 * time.Millisecond

// Limits is how much is kept.
type Limits struct {
	Keep  int64 // bytes of each worker, over all its files; 0: nothing
	Files int   // in which they are: with the oldest file goes that part of them
}

// Book writes the logs of one fleet. It may be used by any goroutine, and who writes never waits for a disk.
type Book struct {
	dir    string
	limits spool.Limits
	spool  *spool.Spool // nil: nothing is kept

	mu    sync.Mutex
	files map[string]*spool.Writer // by path
}

// Open opens the logs of the fleet with that state folder. What cannot be written is complained of, once a minute at most.
func Open(stateDir string, limits Limits, complain func(error)) *Book {
	b := &Book{dir: folder(stateDir), files: map[string]*spool.Writer{}}
	if limits.Keep > 0 {
		b.limits = spool.Limits{Size: max(1, limits.Keep/int64(limits.Files)), Files: limits.Files}
		b.spool = spool.New(spool.Options{Pause: pause, Lost: lost, Failed: complain})
	}
	return b
}

func folder(stateDir string) string { return filepath.Join(stateDir, "logs") }

func lost(lines int) []byte {
	text, _ := json.Marshal(Line{
		Time: time.Now().UTC(), Stream: "zfleet", Level: "warn",
		Message: fmt.Sprintf("%d lines of this worker could not be written: they came too fast, or the disk is full", lines),
	}) // it has only text in it
	return append(text, '\n')
}

// Writer is where the lines of a slot go, whichever life prints them: one Write a line, or several whole ones. Slot is a number, or proxy.
func (b *Book) Writer(service, slot string) io.Writer {
	if b.spool == nil {
		return io.Discard
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	path := filepath.Join(b.dir, service, slot+".log")
	if b.files[path] == nil {
		b.files[path] = b.spool.Writer(path, b.limits)
	}
	return b.files[path]
}

// Close writes what is left. It fails when ctx ends before that.
func (b *Book) Close(ctx context.Context) error {
	if b.spool == nil {
		return nil
	}
	return b.spool.Close(ctx)
}
