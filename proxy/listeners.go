package proxy

import (
	"errors"
	"net/http"

	"github.com/zfleet/zfleet/internal/endpoint"
	"github.com/zfleet/zfleet/internal/passfd"
	"github.com/zfleet/zfleet/proxy/control"
)

// errLeaving is the answer to whoever wants what a proxy has that ends.
var errLeaving = errors.New("the proxy is ending")

// listeners gives duplicates of the listening sockets away.
func (p *Proxy) listeners(w http.ResponseWriter, r *http.Request) {
	type answer struct {
		all []control.Listener
		err error
	}
	got, err := ask(r.Context(), p, func(l *loop) answer {
		all, err := l.duplicates()
		return answer{all, err}
	})
	defer func() {
		for _, ln := range got.all {
			passfd.CloseAll([]int{ln.FD})
		}
	}()
	if err = errors.Join(err, got.err); err != nil {
		refuse(w, err)
		return
	}
	conn, err := control.Accepted(w, r)
	if err == nil {
		err = errors.Join(control.SendListeners(conn, got.all), conn.Close())
	}
	if err != nil {
		p.opts.Log.Warn().Err(err).Msg("cannot give the listeners to who asked for them")
	}
}

// duplicates are the listening sockets, for another process. It is called on the loop, which has not ended then: nobody has closed them.
func (l *loop) duplicates() (all []control.Listener, err error) {
	if l.ending > 0 {
		return nil, errLeaving
	}
	for _, port := range []struct {
		name      string
		listeners []*endpoint.Listener
	}{{control.Frontend, l.opts.Frontend}, {control.Backend, l.opts.Backend}} {
		for _, ln := range port.listeners {
			fd, err := ln.Duplicate()
			if err != nil {
				return all, err
			}
			all = append(all, control.Listener{Port: port.name, Handed: ln.Handed(), FD: fd})
		}
	}
	return all, nil
}
