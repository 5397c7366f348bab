package admin

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Find makes a client for the fleet of that name: at the socket that its last start chose, or else at [SocketPath].
func Find(fleet string) *Client {
	socket := SocketPath(fleet)
	for _, dir := range folders(RunDir(fleet), fleet) {
		if chosen := socketIn(dir); chosen != "" {
			socket = chosen
			break
		}
	}
	client := NewClient(socket)
	client.Fleet = fleet
	return client
}

// folders is where a run folder, or the folder of all of them, may be: where this user's fleets have theirs, and, for the XDG_RUNTIME_DIR
// that a login gives to root, also where root's services have theirs.
func folders(own string, below ...string) []string {
	if os.Getenv("XDG_RUNTIME_DIR") != "/run/user/0" {
		return []string{own}
	}
	return []string{own, filepath.Join(append([]string{rootRunBase}, below...)...)}
}

// socketIn is the socket of who has the run folder, "" if nobody does.
func socketIn(dir string) string {
	file, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	return signature(file).Socket
}

// Found is a fleet that answers.
type Found struct {
	Version
	Client *Client
}

// Running finds all fleets of this user that answer at once, by name.
func Running(ctx context.Context) (all []Found) {
	for _, name := range names() {
		client := Find(name)
		if who, err := client.atOnce(ctx); err == nil {
			all = append(all, Found{who, client})
		}
	}
	return all
}

// names are those of the fleets that have, or had, a run folder.
func names() (all []string) {
	for _, base := range folders(runBase()) {
		entries, _ := os.ReadDir(base) // none: no fleet ever ran
		for _, entry := range entries {
			all = append(all, entry.Name())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// One that hangs must not keep the others from being found.
func (c *Client) atOnce(ctx context.Context) (Version, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return c.Version(ctx)
}
