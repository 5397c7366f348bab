package main

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOneLane: with one worker next door there is nothing to choose, so all policies let the same requests wait as long.
func TestOneLane(t *testing.T) {
	s := settings{lanes: 1, clients: 1, requests: 20_000, seed: 7}
	l := newLoad(s, services[1], 0.8)
	want := waits(l, s, contenders[0].start(s))
	if len(want) != s.requests/2 || want[len(want)-1] == 0 {
		t.Fatalf("%d requests waited, the longest %v", len(want), want[len(want)-1])
	}
	for _, c := range contenders[1:] {
		if got := waits(l, s, c.start(s)); !slices.Equal(got, want) {
			t.Errorf("%s lets them wait otherwise than %s", c.name, contenders[0].name)
		}
	}
}

// TestTextbook: behind a random choice each lane is a queue of its own, in which the mean wait is known (M/M/1: ρ/(1-ρ) services).
func TestTextbook(t *testing.T) {
	s := settings{lanes: 20, clients: 1, requests: 200_000, rtt: time.Millisecond, seed: 7}
	got := mean(waits(newLoad(s, services[0], 0.5), s, pushing(random)(s)))
	if want := services[0].mean; got < want*95/100 || got > want*105/100 {
		t.Errorf("the mean wait is %v, not %v", got, want)
	}
}

func mean(all []time.Duration) (sum time.Duration) {
	for _, w := range all {
		sum += w
	}
	return sum / time.Duration(len(all))
}

// TestOrder: the more a policy knows, the shorter the waits.
func TestOrder(t *testing.T) {
	s := settings{lanes: 100, clients: 10, requests: 40_000, rtt: 50 * time.Microsecond, seed: 7}
	for _, service := range services[1:] {
		l := newLoad(s, service, 0.8)
		ours, two, robin := waits(l, s, newDispatched(s, 0)), waits(l, s, pushing(twoChoices)(s)), waits(l, s, pushing(roundRobin)(s))
		if mean(ours) >= mean(two) || mean(two) >= mean(robin) {
			t.Errorf("%s: the mean waits are %v, %v and %v", service.name, mean(ours), mean(two), mean(robin))
		}
	}
}

func TestReplies(t *testing.T) {
	var h replies
	for i := range 1000 {
		h.push(reply{at: time.Duration(i * 7919 % 101), id: int32(i)})
	}
	last := h.pop()
	for len(h) > 0 {
		next := h.pop()
		if !last.before(next) {
			t.Fatalf("%+v comes before %+v", last, next)
		}
		last = next
	}
}

func TestCommand(t *testing.T) {
	var out, again, complaint bytes.Buffer
	args := []string{"-lanes", "10", "-requests", "1000"}
	if run(args, &out, &complaint) != 0 || run(args, &again, &complaint) != 0 {
		t.Fatal(complaint.String())
	}
	if out.String() != again.String() {
		t.Error("the same seed gives other figures")
	}
	if n := strings.Count(out.String(), "\n| "); n != 1+len(services)*len(loads)*len(contenders) {
		t.Errorf("%d lines:\n%s", n, &out)
	}
	if run([]string{"-lanes", "0"}, &out, &complaint) != 1 || !strings.Contains(complaint.String(), "less than one worker") {
		t.Errorf("no workers: %s", &complaint)
	}
	if run([]string{"-h"}, &out, &complaint) != 0 {
		t.Error("-h is no error")
	}
}

// TestUpdateDocs writes into a copy of the real page, which has to have the place.
func TestUpdateDocs(t *testing.T) {
	text, err := os.ReadFile("../../" + docs)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := errors.Join(os.Mkdir("docs", 0o700), os.WriteFile(docs, text, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"-unequal"}} {
		var out, complaint bytes.Buffer
		if run(append(args, "-lanes", "10", "-requests", "1000", "-update-docs"), &out, &complaint) != 0 {
			t.Fatal(complaint.String())
		}
		if updated, err := os.ReadFile(docs); err != nil || !strings.Contains(string(updated), out.String()) {
			t.Errorf("no table in the page: %v", err)
		}
	}
}

// TestUnequal: ejection is worth it where workers are bad, and nobody notices it where none is.
func TestUnequal(t *testing.T) {
	s := settings{requests: 60_000, rtt: 50 * time.Microsecond, seed: 7}
	off, half := judgements[0].cfg, judgements[len(judgements)-1].cfg
	for _, u := range unequals {
		before, after := suffer(u, 0.7, s, off), suffer(u, 0.7, s, half)
		late := func(o outcome) time.Duration { return o.took[len(o.took)*999/1000] }
		switch {
		case u.bad == 0:
			if after.ejections != 0 || !slices.Equal(before.took, after.took) {
				t.Errorf("%s: %d ejections where all work", u.service.name, after.ejections)
			}
		case u.slower > 0 && late(after) > late(before)/2:
			t.Errorf("%s: one in a thousand takes %v, not much less than %v", u.what, late(after), late(before))
		case u.bad <= unequalLanes/2 && after.errors() > 0.5, after.errors() > before.errors()/2:
			if u.slower == 0 {
				t.Errorf("%s: %.2f%% errors, and %.2f%% without ejection", u.what, after.errors(), before.errors())
			}
		}
	}
}
