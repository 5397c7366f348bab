package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// fleet is a trial with `zfleet up` instead of a proxy alone: one service, echo, whose workers are plugins/misbehave.
type fleet struct {
	*trial
	zfleet string // the binary; the plugin is beside it
	env    []string
	file   string
}

// fleetFile is what the fleet is declared as. One request at a time is what a worker holds: so a request's worker is one that is free.
const fleetFile = `name = "bench"
plugin_dir = %q
[service.echo]
frontend = %q
backend = %q
[service.echo.delivery]
prefetch = 1
[service.echo.workers]
plugin = "misbehave"
count = %d
[service.echo.restart]
delay = "10ms"
max_delay = "100ms"
failures = 1000
`

// up starts a fleet of so many workers and waits until all are ready. It has its own folders, so that no other fleet is meant.
func (t *trial) up(zfleet string, workers int) (*fleet, error) {
	zfleet, err := filepath.Abs(zfleet)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "zf") // the path of a unix socket is short
	if err != nil {
		return nil, err
	}
	f := &fleet{trial: t, zfleet: zfleet, file: filepath.Join(home, "fleet.toml")}
	f.env = []string{"XDG_RUNTIME_DIR=" + home, "XDG_STATE_HOME=" + filepath.Join(home, "state")}
	t.frontend, t.backend = "tcp://"+ports[0], "tcp://"+ports[1]
	text := fmt.Sprintf(fleetFile, filepath.Dir(zfleet), t.frontend, t.backend, workers)
	if err := os.WriteFile(f.file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	t.proxy = t.command(append(append([]string{"env"}, f.env...), zfleet, "up", f.file))
	if t.failed != nil {
		return nil, t.failed
	}
	return f, f.until(func(s service) bool { return s.Ready == workers })
}

// down ends the fleet; its processes with it.
func (f *fleet) down() error {
	defer func() { _ = os.RemoveAll(filepath.Dir(f.file)) }()
	if _, err := f.do("down", "--now"); err != nil {
		return f.blame(err)
	}
	<-f.proxy.ended
	return f.proxy.err
}

// do runs one of zfleet's commands.
func (f *fleet) do(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(f.ctx, f.zfleet, append(args, "--file", f.file)...)
	cmd.Env = append(os.Environ(), f.env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("zfleet %s: %w: %s", args[0], err, said.Bytes())
	}
	return out, nil
}

// service is what is looked at in `zfleet ps -o json`.
type service struct {
	Ready    int `json:"ready"`
	Want     int `json:"want"`
	Counters struct {
		Redelivered float64 `json:"redelivered"`
	} `json:"counters"`
	Workers []struct{} `json:"workers"`
}

func (f *fleet) ps() (service, error) {
	var status struct {
		Services []service `json:"services"`
	}
	out, err := f.do("ps", "-o", "json")
	if err == nil {
		err = json.Unmarshal(out, &status)
	}
	if err != nil || len(status.Services) == 0 {
		return service{}, err
	}
	return status.Services[0], nil
}

// until waits for the service to be as ok says. A fleet that is just starting does not answer yet.
func (f *fleet) until(ok func(service) bool) error {
	for {
		s, err := f.ps()
		if err == nil && ok(s) {
			return nil
		}
		select {
		case <-f.proxy.ended:
			return f.proxy.failure()
		case <-f.ctx.Done():
			return fmt.Errorf("it is not what it should be: %+v, %v: %w", s, err, f.ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
