package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
)

type scale struct {
	ui      *tui
	where   where
	noWait  bool
	timeout time.Duration
}

func newScaleCommand(ui *tui) *cobra.Command {
	s := &scale{ui: ui}
	cmd := &cobra.Command{
		Use:   "scale [SERVICE=]COUNT ...",
		Short: "Change the number of workers",
		Long: `Change the number of workers of one or more services while clients go on talking. COUNT is a number, or a
change: +2, -1. Without a service it is the first one of the fleet file. Returns when as many are ready as
wanted and none is leaving. When that is not in time, the fleet goes on trying.

A number of a service that is autoscaled holds until COUNT is auto.

A negative change needs the service's name, since -1 alone looks like a flag.`,
		Example:           "  zfleet scale hello=8\n  zfleet scale hello=+2 echo=-1\n  zfleet scale 8\n  zfleet scale hello=auto",
		RunE:              func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
		ValidArgsFunction: s.complete,
	}
	s.where.flags(cmd)
	cmd.Flags().BoolVar(&s.noWait, "no-wait", false, "return at once")
	timeoutFlag(cmd, &s.timeout, "all are ready")
	return cmd
}

func (s *scale) run(cmd *cobra.Command, args []string) error {
	requests, err := parseScales(cmd, args)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	var names []string
	for _, req := range requests {
		names = append(names, req.Service)
	}
	client, err := s.where.clientFor(ctx, s.ui, names)
	if err != nil {
		return err
	}
	replies, err := askAll(ctx, client, requests)
	return errors.Join(s.waitAll(ctx, client, replies), err)
}

// askAll asks for everything first, so that all services change at the same time.
func askAll(ctx context.Context, client *admin.Client, requests []admin.ScaleRequest) (replies []admin.ScaleReply, err error) {
	for _, req := range requests {
		reply, err := client.Scale(ctx, req)
		if err != nil {
			return replies, err
		}
		replies = append(replies, reply)
	}
	return replies, nil
}

func (s *scale) waitAll(ctx context.Context, client *admin.Client, replies []admin.ScaleReply) error {
	ctx, cancel := within(ctx, s.timeout)
	defer cancel()
	for _, reply := range replies {
		if reply.Auto == admin.AutoDecides {
			s.ui.printf("%s: autoscaled (%s wanted now)\n", reply.Service, count(reply.Want, "worker"))
			continue
		}
		if s.noWait {
			s.ui.printf("%s: %s wanted (was %d)%s\n", reply.Service, count(reply.Want, "worker"), reply.Was, autoWords(reply))
			continue
		}
		if err := s.wait(ctx, client, reply); err != nil {
			return err
		}
	}
	return nil
}

func (s *scale) wait(ctx context.Context, client *admin.Client, reply admin.ScaleReply) error {
	status, err := client.Settled(ctx, reply.Service)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.late(client, reply)
	}
	if err != nil {
		return fmt.Errorf("cannot see %s come to %s: %w", reply.Service, count(reply.Want, "worker"), err)
	}
	svc := serviceIn(status, reply.Service)
	s.ui.printf("%s: %s ready (was %d)%s\n", svc.Name, count(svc.Ready, "worker"), reply.Was, autoWords(reply))
	return nil
}

func (s *scale) late(client *admin.Client, reply admin.ScaleReply) error {
	text := fmt.Sprintf("%s has not come to %s after %v; the fleet goes on trying", reply.Service, count(reply.Want, "worker"), s.timeout)
	if status, err := client.Status(context.Background()); err == nil {
		text += ": " + shortOf(serviceIn(status, reply.Service))
	}
	return &lateError{text, "zfleet ps"}
}
