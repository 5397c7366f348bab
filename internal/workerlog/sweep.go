package workerlog

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Sweep removes the logs of slots, hello/3 or hello/proxy, that are not in use: those that were last written to before then, and of the
// others the oldest beyond most. It says which those were. The folder of a service goes with its last log.
func Sweep(stateDir string, inUse func(slot string) bool, before time.Time, most int) (removed []string, err error) {
	slots, err := Workers(stateDir)
	var unused []unusedLog
	for _, slot := range slots {
		if l := (unusedLog{slot: slot, dir: folder(stateDir)}); !inUse(slot) {
			l.written = l.last()
			unused = append(unused, l)
		}
	}
	slices.SortFunc(unused, func(a, b unusedLog) int { return cmp.Or(b.written.Compare(a.written), cmp.Compare(a.slot, b.slot)) })
	for i, l := range unused {
		if i < most && !l.written.Before(before) {
			continue
		}
		err = errors.Join(err, l.remove())
		removed = append(removed, l.slot)
	}
	return removed, err
}

// unusedLog is the files of a slot.
type unusedLog struct {
	slot, dir string
	written   time.Time
}

func (l unusedLog) files() []string {
	files, _ := fs.Glob(os.DirFS(l.dir), l.slot+".log*") // the names of services and slots have nothing in them that Glob knows
	return files
}

// last is when it was last written to.
func (l unusedLog) last() (at time.Time) {
	for _, name := range l.files() {
		if info, err := os.Stat(filepath.Join(l.dir, name)); err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at
}

func (l unusedLog) remove() (err error) {
	for _, name := range l.files() {
		if removeErr := os.Remove(filepath.Join(l.dir, name)); !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}
	_ = os.Remove(filepath.Join(l.dir, filepath.Dir(l.slot))) // it fails while there is something in it
	return err
}
