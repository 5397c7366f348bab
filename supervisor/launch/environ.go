package launch

import (
	"os"
	"slices"
	"strings"

	proxy "github.com/zfleet/zfleet/proxy/control"
	"github.com/zfleet/zfleet/workerkit/control"
)

// ours are the variables that only zfleet sets. One that zfleet itself was started with, by another zfleet perhaps, is not passed on.
var ours = []string{control.EnvBackend, control.EnvWorker, control.EnvService, control.EnvRun, control.EnvLifeline,
	control.Handshake.MagicCookieKey, proxy.EnvSecret, proxy.EnvListeners}

// environ is what a process finds in its environment: the supervisor's own, what the fleet file says, then what zfleet tells it. Of two
// values for one name exec.Cmd takes the last.
func (li *life) environ(declared map[string]string, own ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(ours, name)
	})
	if li.dir != "" {
		env = append(env, "PWD="+li.dir)
	}
	for name, value := range declared {
		env = append(env, name+"="+value)
	}
	return append(env, own...)
}

// lookup is a variable's value in an environment.
func lookup(env []string, name string) (value string) {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}
