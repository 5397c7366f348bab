package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

// A server that answers twice, wrongly, with an error and not at all: the books must show each of it.
func TestTheBooks(t *testing.T) {
	router, err := zmq4.NewSocket(zmq4.ROUTER)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = router.Close() }()
	if err := router.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	endpoint, err := router.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	c := &clients{s: settings{rate: 1000, seed: 1}, dir: t.TempDir(), patience: 500 * time.Millisecond,
		counts: counts{Errors: map[string]int64{}}}
	one := c.client("one", endpoint, 1)
	one.kind, one.window = zmq4.DEALER, 8
	c.all.Go(one.run)
	answer := func(request []string) (id string, reply []string) {
		r := slices.Clone(request[2:])
		r[0] = answerTo(r[0])
		return request[0], r
	}
	for n := range 6 {
		request, err := router.RecvMessage(0)
		if err != nil {
			t.Fatal(err)
		}
		id, reply := answer(request)
		switch n {
		case 0: // right
		case 1: // twice
			_, _ = router.SendMessage(id, "", reply)
		case 2: // of another payload
			reply[2] += "x"
		case 3: // too short
			reply = reply[:2]
		case 4:
			reply = []string{`{"zfleet":{"code":"UNAVAILABLE"}}`}
		case 5: // not at all
			continue
		}
		if _, err := router.SendMessage(id, "", reply); err != nil {
			t.Fatal(err)
		}
	}
	got := c.stop()
	if got.Answered != 2 || got.Doubled != 1 || got.Wrong != 2 || len(got.Errors) != 1 || got.Lost != got.Sent-2 || got.Lost < 4 {
		t.Errorf("counts %+v", got)
	}
}

func TestJudge(t *testing.T) {
	same := sample{"supervisor": {Pid: 1, Heap: 1 << 20, Files: 20, Goroutines: 20}}
	steady := &samples{before: same, under: []sample{same, same, same}, after: same}
	for name, test := range map[string]struct {
		counts counts
		s      *samples
		wrong  string
	}{
		"all is well":  {counts{Sent: 5, Answered: 5}, steady, ""},
		"nothing sent": {counts{}, steady, "0 requests were sent"},
		"lost":         {counts{Sent: 5, Answered: 4, Lost: 1}, steady, "1 lost"},
		"doubled":      {counts{Sent: 5, Answered: 5, Doubled: 1}, steady, "1 doubled"},
		"wrong":        {counts{Sent: 5, Answered: 5, Wrong: 1}, steady, "1 wrong"},
		"broken":       {counts{Sent: 5, Answered: 5, Broken: 1}, steady, "1 connections of clients broken"},
		"errors":       {counts{Sent: 5, Answered: 5, Errors: map[string]int64{"x": 2}}, steady, "2 error replies: x"},
		"files left":   {counts{Sent: 5, Answered: 5}, changed(same, func(u *usage) { u.Files += 11 }), "the files of the supervisor grew"},
		"heap grew": {counts{Sent: 5, Answered: 5},
			&samples{before: same, under: []sample{same, same, {"supervisor": {Pid: 1, Heap: 30 << 20}}}, after: same},
			"the heap of the supervisor grew"},
		"heap grew in a moment": {counts{Sent: 5, Answered: 5},
			&samples{before: same, under: []sample{same, same, {"supervisor": {Pid: 1, Heap: 30 << 20}}}, after: same, brief: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &report{Counts: test.counts, Growth: test.s.growths()}
			r.judge(test.s)
			all := strings.Join(r.Wrongs, "\n")
			if (test.wrong == "") != (all == "") || !strings.Contains(all, test.wrong) {
				t.Errorf("got %q", all)
			}
		})
	}
}

// changed is a run that ends otherwise than it was.
func changed(s sample, f func(*usage)) *samples {
	after := s["supervisor"]
	f(&after)
	return &samples{before: s, under: []sample{s, s, s}, after: sample{"supervisor": after}}
}

func TestCrashesAreSeen(t *testing.T) {
	l, err := newLogFile(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.file.Close() }()
	if _, err := l.file.WriteString("up\npanic: crashing, as asked\nWARNING: DATA RACE\nfatal error: all goroutines are asleep\n"); err != nil {
		t.Fatal(err)
	}
	if got := l.crashed(); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}
