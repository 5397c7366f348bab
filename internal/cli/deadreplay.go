package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/pebbe/zmq4"
	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/config"
	"github.com/zfleet/zfleet/internal/dead"
	"github.com/zfleet/zfleet/internal/errorreply"
)

type deadReplay struct {
	pick
	out     *output
	keep    bool
	to      string
	timeout time.Duration

	targets   map[string]target // by service
	templates map[string]errorreply.Template
}

func newDeadReplayCommand(ui *tui) *cobra.Command {
	d := &deadReplay{pick: pick{box: box{ui: ui}}}
	cmd := &cobra.Command{
		Use:   "replay ID ... | --all",
		Short: "Send dead letters again, as a client would",
		Long: `Send dead letters again, one after the other, as a REQ client would, and print the replies. A letter that a
worker answers is removed. One that comes back as an error stays; one that ends its workers again is a
letter anew, under another id. The client that had sent it first has its error reply and hears nothing.`,
		Example: "  zfleet dead replay 0mm7kwn40\n  zfleet dead replay --all --service hello --timeout 5s",
	}
	d.flags(cmd)
	d.serviceFlag(cmd)
	d.out = newOutput(cmd, "text")
	cmd.Flags().BoolVar(&d.all, "all", false, "send all of them, the oldest first")
	cmd.Flags().BoolVar(&d.keep, "keep", false, "remove none")
	cmd.Flags().StringVar(&d.to, "to", "", "`ENDPOINT` to send to, instead of the service's frontend")
	timeoutFlag(cmd, &d.timeout, "a reply is there, for each letter")
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		if err := d.check(cmd, ids, d.all, "--all"); err != nil {
			return err
		}
		if d.file != "" && d.to == "" {
			return usagef(cmd, "--store needs --to: a file does not say where its service is")
		}
		return d.run(cmd.Context(), ids)
	}
	return cmd
}

func (d *deadReplay) run(ctx context.Context, ids []string) error {
	letters, err := d.take(ctx, ids)
	if err != nil {
		return err
	}
	if err := d.find(ctx, letters); err != nil {
		return err
	}
	results := []replayed{}
	for _, l := range letters {
		result, err := d.replay(l)
		if errors.Is(err, dead.ErrNotFound) { // somebody else has removed it meanwhile
			continue
		}
		if err != nil {
			return err
		}
		results = append(results, result)
		if !d.out.json() {
			d.ui.printf("%s\n", result)
		}
	}
	if d.out.json() {
		d.ui.printf("%s", indented(results))
	}
	return outcomeOf(results)
}

// find learns where the letters' services are, and what error replies of theirs look like.
func (d *deadReplay) find(ctx context.Context, letters []letter) (err error) {
	d.targets, d.templates = map[string]target{}, map[string]errorreply.Template{}
	for _, l := range letters {
		name := l.store.service
		if _, known := d.targets[name]; known {
			continue
		}
		if d.targets[name], err = d.where.target(ctx, d.ui, cmp.Or(d.to, name)); err != nil {
			return err
		}
		if err = d.targets[name].reach(ctx, d.timeout); err != nil {
			return err
		}
	}
	if file, err := config.Load(d.where.path()); err == nil { // they may be others than when the letters were written
		for _, svc := range file.Spec.Services {
			d.templates[svc.Name], _ = errorreply.Parse(svc.Delivery.ErrorReply, svc.Name) // the file was checked
		}
	}
	return nil
}

// replay sends one letter. An error means that the others need not be tried.
func (d *deadReplay) replay(l letter) (replayed, error) {
	whole, err := l.store.Get(l.ID)
	if err != nil {
		return replayed{}, err
	}
	before, err := l.store.List()
	if err != nil {
		return replayed{}, err
	}
	result := replayed{ID: l.ID, Service: l.store.service, Outcome: wasAnswered}
	result.reply, err = d.ask(d.targets[l.store.service], whole.Body())
	result.Reply = jsonFrames(result.reply)
	gone := true
	switch {
	case err != nil:
		result.Outcome, result.Error, gone = wasUnanswered, err.Error(), false
	case d.isError(result, whole):
		result.Outcome = wasFailed
		if !ofHandler(result.reply) {
			result.Again = reborn(l.store, before, &whole)
		}
		gone = result.Again != ""
	}
	if d.keep || !gone {
		return result, nil
	}
	n, err := l.store.Remove(l.ID)
	result.Removed = n > 0
	return result, err
}

// ask sends one request by a socket of its own: one that waits for a reply cannot send another.
func (d *deadReplay) ask(to target, body [][]byte) ([][]byte, error) {
	socket, err := newREQ(to, d.timeout)
	if err != nil {
		return nil, err
	}
	reply, err := ask(socket, body)
	if zmq4.AsErrno(err) == zmq4.Errno(syscall.EAGAIN) {
		err = fmt.Errorf("no reply from %s within %v", to.name, d.timeout)
	}
	return reply, errors.Join(err, socket.Close())
}

// isError knows zfleet's own error replies, and those of the service as it is, and as it was when the letter was written.
func (d *deadReplay) isError(r replayed, l dead.Letter) bool {
	former, _ := errorreply.Parse(l.Template, l.Service) // the proxy had it
	return asErrorReply(r.reply) != nil || d.templates[r.Service].Matches(r.reply) || former.Matches(r.reply)
}
