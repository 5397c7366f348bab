package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/zfleet/zfleet/proxy/dispatch"
)

// unequal is a service of which some workers are worse than the others.
type unequal struct {
	what    string
	service service
	bad     int     // workers, the first of unequalLanes
	slower  float64 // times that they take; 0: they fail at once
}

const (
	unequalLanes   = 12
	unequalClients = 50
	failAfter      = 100 * time.Microsecond
)

var tens = service{"exponential, 10 ms", 10 * time.Millisecond, (*rand.Rand).ExpFloat64}

var unequals = []unequal{
	{"1 is 20 × slower", tens, 1, 20},
	{"4 are 20 × slower", tens, 4, 20},
	{"1 fails", tens, 1, 0},
	{"4 fail", tens, 4, 0},
	{"6 fail", tens, 6, 0},
	{"9 fail", tens, 9, 0},
	{"all work", services[1], 0, 0},
	{"all work", services[2], 0, 0},
	{"all work", services[3], 0, 0},
	{"all work", service{"1 ms, every 2nd 100 ms", 50500 * time.Microsecond, everySecond}, 0, 0},
}

// everySecond is the worst that a mean can be asked to tell apart.
func everySecond(r *rand.Rand) float64 {
	if r.IntN(2) == 0 {
		return 100.0 / 50.5
	}
	return 1 / 50.5
}

var unequalLoads = []float64{0.3, 0.7, 0.9, 1}

// judgements are the ways to treat such workers.
var judgements = []struct {
	name string
	cfg  dispatch.Config
}{
	{"off", dispatch.Config{}},
	{"34 %", dispatch.Config{Eject: 10 * time.Second, MaxEjected: 34}},
	{"50 %", dispatch.Config{Eject: 10 * time.Second, MaxEjected: 50}},
}

// unequalReport is a table of what clients notice, in Markdown. A load is a part of what the workers can carry that are well.
func unequalReport(s settings) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d workers, %d clients, %d requests a run of which the second half counts, round trip %v, seed %d. "+
		"Times from request to reply in ms, errors left out.\n\n", unequalLanes, unequalClients, s.requests, s.rtt, s.seed)
	fmt.Fprintf(&b, "| %-17s | %-24s | %-4s | %-7s |", "workers", "service time", "load", "ejected")
	fmt.Fprintf(&b, " %7s | %7s | %7s | %7s | %8s | %5s |\n", "p50", "p90", "p99", "p99.9", "errors", "times")
	fmt.Fprintf(&b, "|%s|%s|%s|%s|%s%s|%s|\n", strings.Repeat("-", 19), strings.Repeat("-", 26), strings.Repeat("-", 6), strings.Repeat("-", 9),
		strings.Repeat("---------|", 4), strings.Repeat("-", 10), strings.Repeat("-", 7))
	for _, u := range unequals {
		for _, busy := range unequalLoads {
			for _, how := range judgements {
				o := suffer(u, busy, s, how.cfg)
				r := row{waited: o.took}
				fmt.Fprintf(&b, "| %-17s | %-24s | %3.0f%% | %-7s |", u.what, u.service.name, busy*100, how.name)
				fmt.Fprintf(&b, " %7s | %7s | %7s | %7s | %7.3f%% | %5d |\n", r.at(0.5), r.at(0.9), r.at(0.99), r.at(0.999), o.errors(), o.ejections)
			}
		}
	}
	return b.String()
}
