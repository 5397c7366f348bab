package admin

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// Find makes a client for the fleet of that name: at the socket that its last start chose, or else at [SocketPath].
func Find(fleet string) *Client {
	socket := SocketPath(fleet)
	if file, err := os.Open(filepath.Join(RunDir(fleet), lockName)); err == nil {
		if who := signature(file); who.Socket != "" {
			socket = who.Socket
		}
		_ = file.Close()
	}
	client := NewClient(socket)
	client.Fleet = fleet
	return client
}

// Found is a fleet that answers.
type Found struct {
	Version
	Client *Client
}

// Running finds all fleets of this user that answer at once, by name.
func Running(ctx context.Context) (all []Found) {
	folders, _ := os.ReadDir(runBase()) // none: no fleet ever ran
	for _, folder := range folders {
		client := Find(folder.Name())
		if who, err := client.atOnce(ctx); err == nil {
			all = append(all, Found{who, client})
		}
	}
	return all
}

// One that hangs must not keep the others from being found.
func (c *Client) atOnce(ctx context.Context) (Version, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return c.Version(ctx)
}
