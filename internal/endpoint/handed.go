package endpoint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Handed is a listener that one process hands to another, beside its descriptor.
type Handed struct {
	Asked  Endpoint `json:"asked"` // as Listen was told, a wildcard perhaps
	Bound  Endpoint `json:"bound"`
	File   bool     `json:"file,omitempty"`   // it made the socket's file, so that whoever closes it for good removes that
	Folder bool     `json:"folder,omitempty"` // and the folder around it
}

// Handed says what another process has to know of the listener.
func (l *Listener) Handed() Handed {
	return Handed{Asked: l.asked, Bound: l.bound, File: l.made != nil, Folder: l.temp != ""}
}

// Open makes a Listener of what was handed over. It owns the descriptor, and the files that the one before owned: that has to Leave it.
func (h Handed) Open(fd int) (*Listener, error) {
	l, err := FromFD(h.Bound, fd)
	if err != nil {
		return nil, err
	}
	l.asked = h.Asked
	if h.File {
		if l.made, err = os.Lstat(h.Bound.Path); err != nil {
			l.made = nil // it was removed meanwhile, and is nobody's
		}
	}
	if h.Folder {
		l.temp = filepath.Dir(h.Bound.Path)
	}
	return l, nil
}

// Leave closes the descriptor and leaves the files that belong to it to another process, which has the socket too.
func (l *Listener) Leave() error {
	l.made, l.temp = nil, ""
	return l.Close()
}

// Duplicate is another descriptor of the socket, close-on-exec, which is the caller's.
func (l *Listener) Duplicate() (int, error) {
	fd, err := unix.FcntlInt(uintptr(l.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot duplicate the listener of %s: %w", l.bound, err)
	}
	return fd, nil
}

// Rename moves the socket's file, in the place of another one if that is there. Who connects to the new path comes to this listener, from
// one moment to the next.
func (l *Listener) Rename(path string) error {
	if l.made == nil {
		return errors.New("cannot rename a socket that has no file of its own")
	}
	if err := os.Rename(l.bound.Path, path); err != nil {
		return fmt.Errorf("cannot move the socket %s: %w", l.bound.Path, err)
	}
	l.bound.Path = path
	return nil
}
