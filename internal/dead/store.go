package dead

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

var (
	// ErrDamaged is of a file that is no store, or no longer one.
	ErrDamaged = errors.New("the file is damaged")
	// ErrNotFound is of a letter that there is not.
	ErrNotFound = errors.New("no such letter")
)

// Store is one service's letters. It holds nothing open between calls, each of which is all or nothing.
type Store struct {
	Path  string
	Bytes int64         // that all letters may have together
	Age   time.Duration // after which a letter is dropped; 0: never
	Wait  time.Duration // for another process that has the file; 0: 5 s
}

// Path is where a service's letters are in the state folder of its fleet.
func Path(stateDir, service string) string { return filepath.Join(stateDir, service+".dead") }

// The buckets: id to Letter as JSON, id to Letter.Wire, and the sum of both under the key bytes.
var (
	lettersBucket  = []byte("letters")
	requestsBucket = []byte("requests")
	totalsBucket   = []byte("totals")
	bytesKey       = []byte("bytes")
)

// update changes the file, and makes one where there is none.
func (s Store) update(do func(*writing) error) error {
	return s.open(false, func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error {
			w, err := beginWriting(tx)
			if err != nil {
				return err
			}
			if err := do(w); err != nil {
				return err
			}
			return w.end()
		})
	})
}

// view looks into the file; where there is none, or an empty one, it does nothing.
func (s Store) view(do func(letters, requests *bolt.Bucket) error) error {
	if !s.exists() {
		return nil
	}
	return s.open(true, func(db *bolt.DB) error {
		return db.View(func(tx *bolt.Tx) error {
			letters, requests := tx.Bucket(lettersBucket), tx.Bucket(requestsBucket)
			if letters == nil || requests == nil { // its first letter was never written to the end
				return nil
			}
			return do(letters, requests)
		})
	})
}

func (s Store) exists() bool {
	st, err := os.Stat(s.Path)
	return !errors.Is(err, fs.ErrNotExist) && (err != nil || st.Size() > 0)
}

// open has the file open while do runs. What is read is mapped memory: of a damaged file that is a panic, or a fault, which ends here.
func (s Store) open(readOnly bool, do func(*bolt.DB) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var file *os.File
	defer func() {
		if r := recover(); r != nil {
			_ = unix.Flock(int(file.Fd()), unix.LOCK_UN) // the mapping, which stays behind, would keep the lock
			_ = file.Close()
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
		err = s.named(err)
	}()
	wait := s.Wait
	if wait == 0 {
		wait = 5 * time.Second
	}
	openFile := func(path string, flag int, mode os.FileMode) (_ *os.File, err error) {
		file, err = os.OpenFile(path, flag, mode)
		return file, err
	}
	opts := &bolt.Options{Timeout: wait, ReadOnly: readOnly, FreelistType: bolt.FreelistMapType, OpenFile: openFile}
	db, err := bolt.Open(s.Path, 0o600, opts)
	if err != nil {
		return err
	}
	err = do(db)
	return errors.Join(err, db.Close()) // not deferred: after a panic it may wait for ever for the locks that are held
}

// named says which file it was, and in our words what with it.
func (s Store) named(err error) error {
	var path *fs.PathError
	switch {
	case err == nil || errors.Is(err, ErrNotFound):
		return err
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("cannot use %s: another process has it open", s.Path)
	case foreign(err) && !errors.Is(err, ErrDamaged):
		err = fmt.Errorf("%w: %v", ErrDamaged, err)
	case errors.As(err, &path):
		err = path.Err
	}
	return fmt.Errorf("cannot use %s: %w", s.Path, err)
}

// foreign says whether the library did not take the file for one of its own.
func foreign(err error) bool {
	for _, e := range []error{bolterrors.ErrInvalid, bolterrors.ErrVersionMismatch, bolterrors.ErrChecksum, bolterrors.ErrInvalidMapping} {
		if errors.Is(err, e) {
			return true
		}
	}
	return strings.HasPrefix(err.Error(), "file size too small") // it has no error of its own
}

// SetAside renames a damaged file, in the place of one that was set aside before, and returns its new name.
func (s Store) SetAside() (string, error) {
	aside := s.Path + ".damaged"
	if err := os.Rename(s.Path, aside); err != nil {
		return "", fmt.Errorf("cannot set %s aside: %w", s.Path, err)
	}
	return aside, nil
}

// Usable says why letters could not be added. A damaged file is usable: it can be set aside. A store that is not there is not made.
func (s Store) Usable() error {
	if s.Path == "" {
		return nil
	}
	if !s.exists() {
		if err := unix.Access(filepath.Dir(s.Path), unix.W_OK|unix.X_OK); err != nil {
			return fmt.Errorf("cannot keep dead letters in %s: %w", s.Path, err)
		}
		return nil
	}
	if err := s.update(func(*writing) error { return nil }); !errors.Is(err, ErrDamaged) {
		return err
	}
	return nil
}
