// Package control is the contract between the supervisor and a worker: the go-plugin handshake, the gRPC service of worker.proto, and the
// environment that a worker is started with. The supervisor dispenses a [Client] from a [Plugin]; package workerkit serves one. Requests
// and replies of clients never travel here, and nothing here links ZeroMQ.
package control

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

//go:generate sh -c "protoc --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --plugin=protoc-gen-go-grpc=$(go tool -n protoc-gen-go-grpc) --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative worker.proto"

// PluginName is what the supervisor dispenses and a worker serves.
const PluginName = "worker"

// Handshake is what go-plugin checks before anything else: that the binary means to be a worker of this protocol version. The cookie is
// no secret. Its key is not EnvWorker, which every worker, plugin or not, has in its environment with another value.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "ZFLEET_PLUGIN",
	MagicCookieValue: "f4a9c5d2-worker",
}

// Plugin is both ends of the service for go-plugin. A worker sets Worker; the supervisor leaves it nil.
type Plugin struct {
	plugin.NetRPCUnsupportedPlugin
	Worker WorkerServer
}

// Plugins is the plugin set that both ends give to go-plugin; server is nil at the supervisor.
func Plugins(server WorkerServer) plugin.PluginSet {
	return plugin.PluginSet{PluginName: &Plugin{Worker: server}}
}

// GRPCServer registers the worker's service.
func (p *Plugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	RegisterWorkerServer(s, p.Worker)
	return nil
}

// GRPCClient returns a *Client.
func (p *Plugin) GRPCClient(ctx context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &Client{WorkerClient: NewWorkerClient(conn), gone: ctx}, nil
}

// Client is a worker as the supervisor sees it. Give every call a deadline: a stopped process answers nothing.
type Client struct {
	WorkerClient
	gone context.Context
}

// Gone is closed when go-plugin has seen the process exit. That is after EOF on its stdout and stderr, so a grandchild that holds them
// open delays it.
func (c *Client) Gone() <-chan struct{} { return c.gone.Done() }
