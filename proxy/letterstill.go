package proxy

import (
	"errors"
	"time"

	"github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/proxy/handover"
)

// errStill is the answer to whoever tells a writer something that it could not remember any more.
var errStill = errors.New("the proxy is being handed over: ask again")

// still has all letters that wait written and the writer wait for goOn, or for its end, and returns what it remembers. The loop must not
// post letters meanwhile. A writer that is nil has none.
func (w *letterWriter) still(patience time.Duration) (handover.Letters, error) {
	if w == nil {
		return handover.Letters{}, nil
	}
	w.isStill.Store(true)
	late := time.After(patience)
	answer := make(chan handover.Letters, 1)
	select {
	case w.stills <- answer:
	case <-late:
		w.isStill.Store(false)
		return handover.Letters{}, errors.New("cannot hand over: the disk is too slow for the dead letters")
	}
	select {
	case memory := <-answer:
		return memory, nil
	case <-late:
		w.goOn()
		return handover.Letters{}, errors.New("cannot hand over: the disk is too slow for the dead letters")
	}
}

// goOn ends still. It is called once for each that had no error.
func (w *letterWriter) goOn() {
	if w != nil {
		w.isStill.Store(false)
		w.again <- struct{}{}
	}
}

// holdStill is the writer's part. It says whether the writer goes on after it.
func (w *letterWriter) holdStill(answer chan<- handover.Letters) bool {
	for len(w.queue) > 0 {
		w.learnAll()
		w.write(w.batch(<-w.queue))
	}
	w.learnAll()
	answer <- w.memory()
	select {
	case <-w.again:
		return true
	case letter, ok := <-w.queue:
		if !ok {
			return false
		}
		<-w.again // goOn came before the letter
		w.write(w.batch(letter))
		return true
	}
}

func (w *letterWriter) memory() handover.Letters {
	m := handover.Letters{Kept: w.kept.Load(), Lost: w.lost.Load(), Recent: append([]control.Exit(nil), w.recent...)}
	for _, a := range w.awaited {
		m.Awaited = append(m.Awaited, handover.Awaited{Worker: a.worker, Letter: a.letter})
	}
	return m
}

// remember begins with what another writer remembered. The writer does not run yet.
func (w *letterWriter) remember(m handover.Letters) {
	w.kept.Store(m.Kept)
	w.lost.Store(m.Lost)
	w.recent = m.Recent[max(0, len(m.Recent)-exitsKept):]
	for _, a := range m.Awaited[max(0, len(m.Awaited)-exitsAwaited):] {
		w.awaited = append(w.awaited, awaited{a.Worker, a.Letter})
	}
}
