package dead

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Add writes letters, gives them their ids, and drops the oldest ones beyond the bounds. Letters that are larger than the whole store stay
// without an id.
func (s Store) Add(now time.Time, letters []*Letter) error {
	err := s.update(func(w *writing) error {
		for _, l := range letters {
			if err := w.add(now, l, s.Bytes); err != nil {
				return err
			}
		}
		return w.trim(now, s.Bytes, s.Age)
	})
	if err != nil {
		for _, l := range letters {
			l.ID = ""
		}
	}
	return err
}

// Amend adds how a worker ended to the letters with these ids that were at it. Those that are gone meanwhile are left out.
func (s Store) Amend(now time.Time, worker string, exit Exit, ids []string) error {
	return s.update(func(w *writing) error {
		for _, id := range ids {
			l, err := get(w.letters, []byte(id))
			switch {
			case errors.Is(err, ErrNotFound):
				continue
			case err != nil:
				return err
			}
			if !l.amend(worker, exit) {
				continue
			}
			if err := w.put(&l); err != nil {
				return err
			}
		}
		return w.trim(now, s.Bytes, s.Age)
	})
}

// Trim drops the letters that are too old. A store that is not there is not made.
func (s Store) Trim(now time.Time) error {
	if !s.exists() {
		return nil
	}
	return s.update(func(w *writing) error { return w.trim(now, s.Bytes, s.Age) })
}

// List is all letters, the oldest first, without their requests.
func (s Store) List() (all []Letter, err error) {
	err = s.view(func(letters, _ *bolt.Bucket) error {
		return letters.ForEach(func(_, text []byte) error {
			l, err := parse(text)
			all = append(all, l)
			return err
		})
	})
	return all, err
}

// Get is one letter with its request. Its error is ErrNotFound when there is none.
func (s Store) Get(id string) (l Letter, err error) {
	err = fmt.Errorf("%w: %s", ErrNotFound, id)
	seen := s.view(func(letters, requests *bolt.Bucket) error {
		l, err = get(letters, []byte(id))
		l.Wire = bytes.Clone(requests.Get([]byte(id)))
		if err == nil && (l.Envelope < 0 || l.Envelope > len(l.Wire)) {
			return fmt.Errorf("%w: letter %s has no request", ErrDamaged, id)
		}
		return nil
	})
	if seen != nil {
		return Letter{}, seen
	}
	return l, err
}

// Remove drops the letters with these ids and returns how many there were.
func (s Store) Remove(ids ...string) (n int, err error) {
	if !s.exists() || len(ids) == 0 {
		return 0, nil
	}
	err = s.update(func(w *writing) error {
		n = 0
		for _, id := range ids {
			if w.letters.Get([]byte(id)) == nil {
				continue
			}
			n++
			if err := w.remove([]byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
