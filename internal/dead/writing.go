package dead

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// writing is one transaction that changes a store.
type writing struct {
	letters, requests, totals *bolt.Bucket

	bytes int64 // of all letters
}

func beginWriting(tx *bolt.Tx) (w *writing, err error) {
	w = &writing{}
	for name, bucket := range map[string]**bolt.Bucket{
		string(lettersBucket): &w.letters, string(requestsBucket): &w.requests, string(totalsBucket): &w.totals,
	} {
		if *bucket, err = tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return nil, err
		}
	}
	if sum := w.totals.Get(bytesKey); len(sum) == 8 {
		w.bytes = int64(binary.BigEndian.Uint64(sum))
	}
	return w, nil
}

func (w *writing) end() error {
	return w.totals.Put(bytesKey, binary.BigEndian.AppendUint64(nil, uint64(w.bytes)))
}

// put writes what is known of a letter, in the place of what was known before.
func (w *writing) put(l *Letter) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	key := []byte(l.ID)
	w.bytes += int64(len(text) - len(w.letters.Get(key)))
	return w.letters.Put(key, text)
}

// add writes a new letter behind the last one. One that is larger than the store is left out, without an id.
func (w *writing) add(now time.Time, l *Letter, limit int64) error {
	if len(l.Wire) > bolt.MaxValueSize || int64(len(l.Wire)) > limit {
		return nil
	}
	last, _ := w.letters.Cursor().Last()
	l.ID, l.Size = nextID(now, string(last)), len(l.Wire)
	w.bytes += int64(len(l.Wire))
	if err := w.requests.Put([]byte(l.ID), l.Wire); err != nil {
		return err
	}
	return w.put(l)
}

// get reads a letter without its request.
func get(letters *bolt.Bucket, id []byte) (l Letter, err error) {
	text := letters.Get(id)
	if text == nil {
		return l, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return parse(text)
}

func parse(text []byte) (l Letter, err error) {
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return l, nil
}

func (w *writing) remove(id []byte) error {
	w.bytes -= int64(len(w.letters.Get(id)) + len(w.requests.Get(id)))
	if err := w.letters.Delete(id); err != nil {
		return err
	}
	return w.requests.Delete(id)
}

// trim drops the oldest letters until the others are within the bounds.
func (w *writing) trim(now time.Time, limit int64, age time.Duration) error {
	for {
		id, text := w.letters.Cursor().First()
		if id == nil {
			w.bytes = 0
			return nil
		}
		oldest, err := parse(text)
		if err != nil {
			return err
		}
		if w.bytes <= limit && (age <= 0 || now.Sub(oldest.Died) <= age) {
			return nil
		}
		if err := w.remove(id); err != nil {
			return err
		}
	}
}
