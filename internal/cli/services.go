package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
)

// clientFor finds the fleet of a command that changes some of its services. A name that it does not have is refused before anything is
// changed; "" is whichever the fleet takes for none.
func (w *where) clientFor(ctx context.Context, ui *tui, services []string) (*admin.Client, error) {
	client, err := w.client(ctx, ui)
	if err != nil {
		return nil, err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range services {
		if name == "" {
			continue
		}
		if err := declared(status, name); err != nil {
			return nil, err
		}
	}
	return client, nil
}

// declared refuses a name that the fleet does not have.
func declared(status admin.Status, name string) error {
	var known []string
	for _, svc := range status.Services {
		known = append(known, svc.Name)
	}
	if slices.Contains(known, name) {
		return nil
	}
	return &unknownService{status.Fleet, name, known}
}

func serviceIn(status admin.Status, name string) admin.Service {
	at := slices.IndexFunc(status.Services, func(svc admin.Service) bool { return svc.Name == name })
	if at < 0 {
		return admin.Service{Name: name}
	}
	return status.Services[at]
}

type unknownService struct {
	fleet, name string
	known       []string
}

func (e *unknownService) Error() string {
	return fmt.Sprintf("fleet %s has no service %q; it has %s", e.fleet, e.name, strings.Join(e.known, ", "))
}

func (e *unknownService) Hint() string {
	all := &cobra.Command{}
	for _, name := range e.known {
		all.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	return didYouMean(all, e.name)
}
