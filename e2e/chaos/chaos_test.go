package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

var race bool // these tests have the race detector

// The test binary is also the plain worker.
func TestMain(m *testing.M) {
	if endpoint := os.Getenv(asWorker); endpoint != "" {
		repWorker(endpoint)
	}
	os.Exit(m.Run())
}

// A few seconds of all of it. `make chaos` takes minutes.
func TestChaos(t *testing.T) {
	bin := t.TempDir()
	if err := build(t.Context(), bin, race); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{"workers": nil, "proxies too": {"-proxy-kills"}} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := slices.Concat([]string{"-bin", bin, "-time", "3s", "-rate", "100", "-o", "json"}, flags)
			if status := run(t.Context(), args, &stdout, &stderr); status != 0 {
				t.Fatalf("status %d\n%s\n%s", status, stdout.String(), stderr.String())
			}
			var r report
			if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			if r.Counts.Sent == 0 || r.Counts.Answered != r.Counts.Sent || len(r.Deeds) < 5 || len(r.Growth) != 12 {
				t.Errorf("report %+v", r)
			}
		})
	}
}

func TestUsedWrongly(t *testing.T) {
	for _, args := range [][]string{{"-time", "1ms"}, {"-o", "xml"}, {"-rate", "0"}, {"now"}, {"-speed", "1"}} {
		var stderr bytes.Buffer
		if status := run(t.Context(), args, &bytes.Buffer{}, &stderr); status != 2 || stderr.Len() == 0 {
			t.Errorf("%v: status %d, %q", args, status, stderr.String())
		}
	}
}

// A seed is a plan: replaying one must do the same again. Every deed is one that can be done.
func TestPlan(t *testing.T) {
	a, b, c := newPlan(1, true), newPlan(1, true), newPlan(2, true)
	done := map[string]bool{}
	differ := false
	for range 3000 {
		s := a.next()
		if s != b.next() {
			t.Fatal("one seed, two plans")
		}
		differ = differ || s != c.next()
		done[s.deed] = true
	}
	if !differ {
		t.Error("two seeds, one plan")
	}
	for _, w := range weights {
		if !done[w.deed] {
			t.Errorf("%s was never planned", w.deed)
		}
	}
	for deed := range peerDeeds {
		if !done[deed] {
			t.Errorf("%s is in no plan", deed)
		}
	}
}
