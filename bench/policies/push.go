package main

import (
	"math/rand/v2"
	"time"
)

// push gives each request to a lane at once, and has no queue of its own.
type push struct {
	choose func(held []int32) int32
	held   []int32 // by lane, as far as the proxy knows
}

func (p *push) request(_ time.Duration, id int32, send send) {
	lane := p.choose(p.held)
	p.held[lane]++
	send(id, lane, 0)
}

func (p *push) reply(_ time.Duration, r reply, _ send) { p.held[r.lane]-- }

// roundRobin is what ZMQ_DEALER does while no pipe is full (zmq_socket(3)).
func roundRobin(settings) func([]int32) int32 {
	last := int32(-1)
	return func(held []int32) int32 {
		last = (last + 1) % int32(len(held))
		return last
	}
}

func random(s settings) func([]int32) int32 {
	rng := rand.New(rand.NewPCG(s.seed, 1))
	return func(held []int32) int32 { return rng.Int32N(int32(len(held))) }
}

// twoChoices takes the one of two random lanes that holds less.
func twoChoices(s settings) func([]int32) int32 {
	rng := rand.New(rand.NewPCG(s.seed, 2))
	return func(held []int32) int32 {
		a, b := rng.Int32N(int32(len(held))), rng.Int32N(int32(len(held)))
		if held[b] < held[a] {
			return b
		}
		return a
	}
}
