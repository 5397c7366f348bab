package workerkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-plugin"
	"github.com/rs/zerolog"
	"github.com/zfleet/zfleet/workerkit/control"
)

// runPlugin is a worker that the supervisor started as a go-plugin plugin.
func (p *program) runPlugin() int {
	log := newLog(os.Stderr)
	lifeline, err := takeLifeline()
	if err := errors.Join(errHandshake, err); err != nil {
		log.Error().Msg(err.Error())
		return 1
	}
	proc := p.process(log, true)
	proc.watchSignals()
	if lifeline != nil {
		go proc.watchLifeline(lifeline)
	}
	server := startServer(&service{worker: proc.worker}, log)
	defer server.stop()
	if err := server.shakeHands(handshake); err != nil {
		log.Error().Msg(err.Error())
		return 1
	}
	go proc.watchServer(server)
	return proc.main()
}

// server is go-plugin's gRPC server. It runs in what go-plugin calls test mode, because the ordinary one replaces os.Stdout and os.Stderr
// by pipes into gRPC: prints would block after 64 KiB unless the supervisor reads them, and be a data race for goroutines that run
// already. Test mode leaves them alone, and leaves the handshake, the cookie and SIGINT to us.
type server struct {
	address <-chan *plugin.ReattachConfig
	closed  chan struct{} // the supervisor has closed it, or it never was
	cancel  context.CancelFunc
}

func startServer(s control.WorkerServer, log zerolog.Logger) *server {
	ctx, cancel := context.WithCancel(context.Background())
	address := make(chan *plugin.ReattachConfig, 1)
	closed := make(chan struct{})
	go plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: control.Handshake,
		Plugins:         control.Plugins(s),
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          pluginLog(ctx, log),
		Test:            &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: address, CloseCh: closed},
	})
	return &server{address: address, closed: closed, cancel: cancel}
}

// shakeHands writes go-plugin's handshake line: core version | version | network | address | protocol | certificate (none).
func (s *server) shakeHands(stdout *os.File) error {
	if os.Getenv("PLUGIN_CLIENT_CERT") != "" {
		return errors.New("cannot serve with AutoMTLS: start the worker without it")
	}
	select {
	case a := <-s.address:
		_, err := fmt.Fprintf(stdout, "%d|%d|%s|%s|%s|\n", plugin.CoreProtocolVersion, a.ProtocolVersion, a.Addr.Network(), a.Addr, a.Protocol)
		return err
	case <-s.closed:
		return errors.New("cannot serve the control service: the log has the reason")
	}
}

// stop removes the server's socket. It does not wait for long: the process is about to exit.
func (s *server) stop() {
	s.cancel()
	select {
	case <-s.closed:
	case <-time.After(lastWords):
	}
}

// watchServer ends the process when the supervisor has closed the server.
func (p *process) watchServer(s *server) {
	<-s.closed
	p.endWithin(closedGrace, "the supervisor closed the control connection")
}
