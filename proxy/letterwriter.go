package proxy

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/handover"
)

const (
	lettersWaiting = 1024             // that may wait to be written; their bytes are bounded by the store's own bound
	lettersAtOnce  = 64               // written in one transaction
	lettersTrimmed = 10 * time.Minute // how often those that are too old are dropped, if nothing is written
	lettersLast    = 2 * time.Second  // for those that wait when the proxy ends
	exitsWaiting   = 256              // that may wait to be read
	exitsKept      = 256              // of workers that a letter may come to name
	exitsAwaited   = 1024             // attempts of letters that were written before their worker's exit was known
	complainEvery  = time.Minute      // while the disk does not take letters
)

// letterStore is dead.Store, or what a test puts in its place.
type letterStore interface {
	Add(now time.Time, letters []*dead.Letter) error
	Amend(now time.Time, worker string, exit dead.Exit, ids []string) error
	Trim(now time.Time) error
	SetAside() (string, error)
}

// letterWriter writes dead letters, on a goroutine of its own: a disk may be slow, or stand still. What it cannot keep up with is lost, and
// counted. Its goroutine, run, owns all but the channels and the counters.
type letterWriter struct {
	store letterStore
	log   zerolog.Logger
	each  zerolog.Logger // of every letter, not too many a second

	queue chan *dead.Letter // closed by end
	limit int64             // bytes of the letters in it, and in the writer's hands
	exits chan control.Exit
	ended chan struct{}

	stills  chan chan<- handover.Letters // see still
	again   chan struct{}
	isStill atomic.Bool

	held       atomic.Int64 // bytes, see limit
	kept, lost atomic.Uint64

	recent     []control.Exit // the latest last
	awaited    []awaited      // likewise
	complained time.Time      // when the log was last told that the disk does not take letters; zero: it does
}

// awaited is an attempt in the store whose worker's exit is not known yet.
type awaited struct {
	worker string
	letter string // its id
}

// newLetterWriter returns nil when no letters are kept.
func newLetterWriter(store dead.Store, log zerolog.Logger) *letterWriter {
	if store.Path == "" {
		return nil
	}
	return letterWriterTo(store, store.Bytes, log)
}

func letterWriterTo(store letterStore, limit int64, log zerolog.Logger) *letterWriter {
	return &letterWriter{
		store: store, log: log, each: log.Sample(&zerolog.BurstSampler{Burst: reportBurst, Period: reportEvery}), limit: limit,
		queue: make(chan *dead.Letter, lettersWaiting), exits: make(chan control.Exit, exitsWaiting), ended: make(chan struct{}),
		stills: make(chan chan<- handover.Letters), again: make(chan struct{}, 1),
	}
}

// post is the loop's: it leaves a letter to be written. It never waits, and says whether there was room.
func (w *letterWriter) post(letter *dead.Letter) bool {
	size := int64(len(letter.Wire))
	if w.held.Load()+size <= w.limit {
		w.held.Add(size)
		select {
		case w.queue <- letter:
			return true
		default:
			w.held.Add(-size)
		}
	}
	w.lost.Add(1)
	return false
}

// exited tells how a worker's process ended. It never waits: with too many at once the letters do without.
func (w *letterWriter) exited(e control.Exit) error {
	if w.isStill.Load() {
		return errStill
	}
	select {
	case w.exits <- e:
	default:
	}
	return nil
}

// end writes what waits, for no longer than patience. The loop must have ended.
func (w *letterWriter) end(patience time.Duration) {
	close(w.queue)
	select {
	case <-w.ended:
	case <-time.After(patience):
		w.log.Error().Int("letters", len(w.queue)).Msg("the disk is too slow for the last dead letters: they are lost")
	}
}

func (w *letterWriter) run() {
	defer close(w.ended)
	old := time.NewTicker(lettersTrimmed)
	defer old.Stop()
	w.trim()
	for {
		select {
		case letter, ok := <-w.queue:
			if !ok {
				w.learnAll()
				return
			}
			w.learnAll() // a worker's exit is often known before its letter
			w.write(w.batch(letter))
		case e := <-w.exits:
			w.learn(e)
		case <-old.C:
			w.trim()
		case answer := <-w.stills:
			if !w.holdStill(answer) {
				return
			}
		}
	}
}

// batch is a letter and some of those that wait behind it.
func (w *letterWriter) batch(first *dead.Letter) []*dead.Letter {
	batch := []*dead.Letter{first}
	for len(batch) < lettersAtOnce && len(w.queue) > 0 {
		batch = append(batch, <-w.queue)
	}
	return batch
}

func (w *letterWriter) write(batch []*dead.Letter) {
	for _, letter := range batch {
		w.complete(letter)
	}
	err := w.mended(func() error { return w.store.Add(time.Now(), batch) })
	lost := 0
	for _, letter := range batch {
		w.held.Add(-int64(len(letter.Wire)))
		if letter.ID == "" {
			lost++
			continue
		}
		w.kept.Add(1)
		w.await(letter)
		w.each.Warn().Str("letter", letter.ID).Strs("workers", letter.Workers()).Str("code", letter.Code).
			Msg("a request is dead: its workers ended while they handled it; zfleet dead show tells more")
	}
	w.lost.Add(uint64(lost))
	if err == nil && lost > 0 {
		w.each.Warn().Int("letters", lost).Msg("dead letters are lost: they are larger than all that may be kept")
	}
	w.complain(err)
}

// mended does something with the store, and once more when that was damaged: with a new one then.
func (w *letterWriter) mended(do func() error) error {
	err := do()
	if !errors.Is(err, dead.ErrDamaged) {
		return err
	}
	aside, renaming := w.store.SetAside()
	if renaming != nil {
		return errors.Join(err, renaming)
	}
	w.log.Error().Err(err).Str("file", aside).Msg("the dead letters there were cannot be read: their file is set aside, and a new one begun")
	return do()
}

// complain tells the log when the disk takes no letters, now and then while that lasts, and when it takes them again.
func (w *letterWriter) complain(err error) {
	switch now := time.Now(); {
	case err == nil && !w.complained.IsZero():
		w.complained = time.Time{}
		w.log.Info().Uint64("lost", w.lost.Load()).Msg("dead letters are kept again")
	case err != nil && now.Sub(w.complained) >= complainEvery:
		w.complained = now
		w.log.Error().Err(err).Uint64("lost", w.lost.Load()).Msg("dead letters are not kept")
	}
}

// trim drops letters that have become too old.
func (w *letterWriter) trim() {
	w.complain(w.mended(func() error { return w.store.Trim(time.Now()) }))
}

// complete adds to a new letter what is known of its workers' ends.
func (w *letterWriter) complete(letter *dead.Letter) {
	for i := range letter.Attempts {
		a := &letter.Attempts[i]
		for _, e := range slices.Backward(w.recent) {
			if a.Worker == e.Worker || a.Worker == "" && a.Pid != 0 && a.Pid == e.Pid {
				a.Worker, a.Exit = e.Worker, exitOf(e)
				break
			}
		}
	}
}

func exitOf(e control.Exit) *dead.Exit {
	return &dead.Exit{Reason: e.Reason, Code: e.Code, Signal: e.Signal, LastLines: e.LastLines}
}

// await remembers whose exits are still missing from a letter.
func (w *letterWriter) await(letter *dead.Letter) {
	for _, a := range letter.Attempts {
		if a.Worker != "" && a.Exit == nil {
			w.awaited = append(w.awaited, awaited{a.Worker, letter.ID})
		}
	}
	w.awaited = w.awaited[max(0, len(w.awaited)-exitsAwaited):]
}

// learnAll takes the exits that wait.
func (w *letterWriter) learnAll() {
	for len(w.exits) > 0 {
		w.learn(<-w.exits)
	}
}

// learn keeps an exit for letters to come, and adds it to those that were written before.
func (w *letterWriter) learn(e control.Exit) {
	w.recent = append(w.recent, e)
	w.recent = w.recent[max(0, len(w.recent)-exitsKept):]
	var ids []string
	w.awaited = slices.DeleteFunc(w.awaited, func(a awaited) bool {
		if a.worker == e.Worker {
			ids = append(ids, a.letter)
		}
		return a.worker == e.Worker
	})
	if len(ids) > 0 {
		w.complain(w.store.Amend(time.Now(), e.Worker, *exitOf(e), ids))
	}
}
