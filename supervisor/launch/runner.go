package launch

import (
	"context"
	"io"
	"os/exec"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin/runner"
)

// pluginRunner is the process as go-plugin sees it. The life owns the process: go-plugin may have it started, once, and is told when it is
// gone; it can neither kill it, which it would do to one process alone and without a bound, nor read its standard error, whose lines can
// make it panic.
type pluginRunner struct {
	name  string
	env   []string // what go-plugin adds to the environment
	begin func(env []string) error
	first *firstLine
	gone  <-chan struct{}
}

var _ runner.Runner = (*pluginRunner)(nil)

// runner is what plugin.ClientConfig.RunnerFunc wants. The folder that go-plugin made for the plugin's socket is in the environment too.
func (p *pluginRole) runner(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
	return &pluginRunner{name: p.name.String(), env: cmd.Env, begin: p.begin, first: p.first, gone: p.gone}, nil
}

func (r *pluginRunner) Start(context.Context) error     { return r.begin(r.env) }
func (r *pluginRunner) Kill(context.Context) error      { return nil }
func (r *pluginRunner) Wait(context.Context) error      { <-r.gone; return nil }
func (r *pluginRunner) Diagnose(context.Context) string { return "" }
func (r *pluginRunner) Stdout() io.ReadCloser           { return r.first }
func (r *pluginRunner) Stderr() io.ReadCloser           { return io.NopCloser(strings.NewReader("")) }
func (r *pluginRunner) Name() string                    { return r.name }
func (r *pluginRunner) ID() string                      { return r.name }

// PluginToHost and HostToPlugin translate addresses for plugins in other worlds than ours.
func (r *pluginRunner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (r *pluginRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
