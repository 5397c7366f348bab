package proxy

import (
	"time"

	"github.com/rs/zerolog"
)

const (
	reportBurst = 20          // lines that may be written
	reportEvery = time.Second // in this time
)

// reports writes log lines that a peer could provoke for ever, and only so many of them. The counters count all.
type reports struct {
	log     zerolog.Logger
	since   time.Time
	written int
	skipped int
}

func newReports(log zerolog.Logger) *reports { return &reports{log: log} }

func (r *reports) warn(what, why, peer string) {
	if r.may() {
		r.write(zerolog.WarnLevel, what, why, peer)
	}
}

func (r *reports) info(what, peer string) {
	if r.may() {
		r.write(zerolog.InfoLevel, what, "", peer)
	}
}

// warnOf finds out the peer's address only for a line that is written.
func (r *reports) warnOf(c *conn, what, why string) {
	if r.may() {
		r.write(zerolog.WarnLevel, what, why, peerAddress(c.fd))
	}
}

// may counts a line and says whether it is to be written.
func (r *reports) may() bool {
	if now := time.Now(); now.Sub(r.since) > reportEvery {
		if r.skipped > 0 {
			r.log.Warn().Int("lines", r.skipped).Msg("left out lines about peers")
		}
		r.since, r.written, r.skipped = now, 0, 0
	}
	if r.written++; r.written > reportBurst {
		r.skipped++
		return false
	}
	return true
}

func (r *reports) write(level zerolog.Level, what, why, peer string) {
	line := r.log.WithLevel(level).Str("peer", peer)
	if why != "" {
		line = line.Str("cause", why)
	}
	line.Msg(what)
}
