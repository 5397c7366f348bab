package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const lockName = "lock"

// Claim takes a run folder for this process, or says who has it: [AlreadyRunning]. It is what makes two simultaneous starts safe, which
// a look at the socket cannot: the kernel gives the lock to one, and takes it back however that one ends. Release gives it back.
func Claim(dir string, me Version) (release func() error, err error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, reason(err))
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		err = claimed(file, me.Fleet, err)
		return nil, errors.Join(err, file.Close())
	}
	if err := sign(file, me); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot write %s: %w", path, reason(err)), file.Close())
	}
	return func() error { return errors.Join(file.Truncate(0), file.Close()) }, nil
}

// The lock file stays when it is released: removing it would let a third process lock the name while a second holds the old file.
func sign(file *os.File, me Version) error {
	text, err := json.Marshal(me)
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(text, 0)
	return err
}

// The holder may have locked and not signed yet: then its pid is not known.
func claimed(file *os.File, fleet string, err error) error {
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("cannot lock %s: %w", file.Name(), err)
	}
	who := signature(file)
	who.Fleet = fleet
	return &AlreadyRunning{who}
}

// signature is what the last holder wrote: nothing, when it has not got that far.
func signature(file io.Reader) (who Version) {
	text, err := io.ReadAll(io.LimitReader(file, 1<<16))
	if err != nil || json.Unmarshal(text, &who) != nil {
		return Version{}
	}
	return who
}
