package dispatch

import "math/bits"

// buckets holds the lanes that have room, by how many requests they hold. Within a bucket the front lane has been so the longest: in the
// first bucket that is the lane idle longest.
type buckets[M any] struct {
	full  [MaxPrefetch / 64]uint64 // a bit for each bucket that is not empty
	lanes [MaxPrefetch]list[Lane[M]]
}

func (b *buckets[M]) init() {
	for i := range b.lanes {
		b.lanes[i].init()
	}
}

// least returns the lane that holds least, or nil when none has room.
func (b *buckets[M]) least() *Lane[M] {
	for w, word := range b.full {
		if word != 0 {
			return b.lanes[w*64+bits.TrailingZeros64(word)].front()
		}
	}
	return nil
}

// add puts a lane at the back of the bucket for what it holds now.
func (b *buckets[M]) add(l *Lane[M]) {
	l.bucket = l.outstanding
	b.lanes[l.bucket].pushBack(&l.place)
	b.full[l.bucket/64] |= 1 << (l.bucket % 64)
}

// remove takes a lane out, if it is in a bucket.
func (b *buckets[M]) remove(l *Lane[M]) {
	if l.bucket < 0 {
		return
	}
	l.place.unlink()
	if b.lanes[l.bucket].empty() {
		b.full[l.bucket/64] &^= 1 << (l.bucket % 64)
	}
	l.bucket = -1
}
