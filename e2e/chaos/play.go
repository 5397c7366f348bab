package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// play is one run from beginning to end.
func play(ctx context.Context, s settings, stderr io.Writer) (*report, error) {
	dir, err := os.MkdirTemp("", "zf")
	if err != nil {
		return nil, err
	}
	f, err := startFleet(ctx, dir, s)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r, err := f.play(ctx, s, stderr)
	if err == nil {
		err = f.down(ctx)
	} else {
		f.kill()
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, f.log.tail(40))
	}
	r.judgeLog(f.log)
	r.judgeLeft(f.dir)
	if len(r.Wrongs) > 0 {
		fmt.Fprintf(stderr, "chaos: the fleet's log is %s\n", f.log.file.Name())
		return r, nil
	}
	return r, os.RemoveAll(dir)
}

func (f *fleet) play(ctx context.Context, s settings, stderr io.Writer) (*report, error) {
	before, err := f.sample(ctx)
	if err != nil {
		return nil, err
	}
	w := newWorld(f, s)
	c := startClients(f, s)
	began := time.Now()
	samples := &samples{began: began, before: before, brief: s.time < long}
	watched := make(chan error, 1)
	playing, stop := context.WithTimeout(ctx, s.time)
	defer stop()
	go func() { watched <- samples.watch(playing, f, s.time) }()

	w.play(playing, c)
	if err := <-watched; err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	w.makePeace()
	fmt.Fprintf(stderr, "chaos: %d deeds done, waiting for %d replies\n", len(w.story), c.outstanding())
	counts := c.stop()
	if samples.after, err = f.calm(ctx, before); err != nil {
		return nil, err
	}
	r := newReport(s, w, counts, samples)
	r.judgeZombies(f)
	return r, nil
}
