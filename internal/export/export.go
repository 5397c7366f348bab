// Package export says to other programs how a fleet is run. [Service] and [Socket] are its systemd units, from what its fleet.toml says.
// Installing them is left to people, running under them to packages systemd and daemon.
package export

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/zfleet/zfleet/internal/config"
	"github.com/zfleet/zfleet/internal/endpoint"
)

// Options is what a unit is made of. All paths are absolute.
type Options struct {
	File  config.File
	Path  string // of the fleet.toml
	Owner string // name of the user whom it belongs to, "" for root
	Self  string // path of the zfleet binary
	User  bool   // for a user's own manager, not the system's
}

// Name is what the fleet's units are called, without .service or .socket.
func (o Options) Name() string { return "zfleet-" + o.File.Spec.Name }

// folder is where such units belong.
func (o Options) folder() string {
	if o.User {
		return "~/.config/systemd/user"
	}
	return "/etc/systemd/system"
}

// systemctl is the command that manages them.
func (o Options) systemctl() string {
	if o.User {
		return "systemctl --user"
	}
	return "systemctl"
}

// unit is the text of one unit file.
type unit struct{ strings.Builder }

func (u *unit) line(format string, args ...any) { _, _ = fmt.Fprintf(u, format+"\n", args...) }

func (u *unit) section(name string) { u.line("\n[%s]", name) }

// why is a comment about the lines that follow.
func (u *unit) why(text string) { u.line("# %s", text) }

// set writes the settings in order, key=value.
func (u *unit) set(settings ...string) {
	for _, s := range settings {
		u.line("%s", s)
	}
}

// word is one word of a command line or of a list of paths: systemd.syntax(7) for quotes, systemd.unit(5) for specifiers.
func word(s string) string {
	s = strings.ReplaceAll(s, "%", "%%")
	if !strings.ContainsAny(s, " \t\"'\\;") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// argument is a word of ExecStart=, in which $ begins a variable: systemd.service(5).
func argument(s string) string { return strings.ReplaceAll(word(s), "$", "$$") }

// seconds is a time span, rounded up.
func seconds(d time.Duration) string { return fmt.Sprintf("%ds", (d+time.Second-1)/time.Second) }

// endpoints are all that the fleet binds, parsed.
func (o Options) endpoints() (all []endpoint.Endpoint) {
	for _, svc := range o.File.Spec.Services {
		for _, text := range append(append([]string{}, svc.Frontend...), svc.Backend...) {
			if e, err := endpoint.Parse(text); err == nil { // the file was read: they are good
				all = append(all, e)
			}
		}
	}
	return all
}

// isBelow says whether a path is a folder or in it.
func isBelow(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
