package cli

import (
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/proxy"
)

// lastWish is how long a proxy goes on whose supervisor is gone and that is not to wait for another one: its workers end too, and what they
// finish is still given out.
const lastWish = time.Second

// orphan is a proxy whose supervisor is gone. It serves on, and waits for the next supervisor to have another proxy take over from it. Its
// ports are free at once when that time is up.
type orphan struct {
	proxy *proxy.Proxy
	ports *ports
	log   zerolog.Logger
	grace time.Duration // how long it waits; 0: not at all
	last  time.Duration // how long what is at workers may still be answered after that
}

// run waits, as long as there is a supervisor, or none was there, for ever.
func (o *orphan) run(alone <-chan struct{}) {
	<-alone
	last := o.last
	if o.grace > 0 {
		o.log.Warn().Dur("grace", o.grace).Msg("the supervisor is gone: waiting for the next one")
		time.Sleep(o.grace)
		o.log.Warn().Msg("no supervisor has come: ending")
	} else {
		last = lastWish
		o.log.Warn().Msg("the supervisor is gone: ending")
	}
	if !o.proxy.Abandon(last) { // another one has taken over just now
		return
	}
	if err := o.ports.abandon(); err != nil { // the next supervisor may want them now
		o.log.Warn().Err(err).Msg("cannot close the ports")
	}
}
