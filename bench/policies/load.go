package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// service is a distribution of service times.
type service struct {
	name string
	mean time.Duration
	draw func(*rand.Rand) float64 // times the mean
}

const sigma = 1.5 // of the lognormal: the 99th percentile is ten times the mean

var services = []service{
	{"exponential, 100 µs", 100 * time.Microsecond, (*rand.Rand).ExpFloat64},
	{"lognormal, 1 ms, σ = 1.5", time.Millisecond, func(r *rand.Rand) float64 { return math.Exp(sigma*r.NormFloat64() - sigma*sigma/2) }},
	{"Pareto, 1 ms, α = 1.5", time.Millisecond, func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -1/1.5) / 3 }},
	{"100 µs, every 20th 20 ms", 1095 * time.Microsecond, bimodal},
}

func bimodal(r *rand.Rand) float64 {
	if r.Float64() < 1.0/20 {
		return 20_000.0 / 1095
	}
	return 100.0 / 1095
}

var loads = []float64{0.5, 0.8, 0.95}

// load is the requests that every policy gets: when each comes, and how long a worker takes for it.
type load struct {
	arrivals, services []time.Duration
}

// newLoad draws requests at random times (a Poisson process) that keep the lanes busy for that part of the time, without the way there
// and back.
func newLoad(s settings, of service, busy float64) load {
	rng := rand.New(rand.NewPCG(s.seed, 0))
	l := load{make([]time.Duration, s.requests), make([]time.Duration, s.requests)}
	gap := float64(of.mean) / busy / float64(s.lanes)
	var at float64
	for i := range l.arrivals {
		at += gap * rng.ExpFloat64()
		l.arrivals[i] = time.Duration(at)
		l.services[i] = time.Duration(of.draw(rng) * float64(of.mean))
	}
	return l
}
