package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/pebbe/zmq4"
	"github.com/spf13/cobra"
)

type call struct {
	ui      *tui
	where   where
	out     *output
	frames  bool
	count   int
	timeout time.Duration
}

func newCallCommand(ui *tui) *cobra.Command {
	c := &call{ui: ui}
	cmd := &cobra.Command{
		Use:   "call ENDPOINT|SERVICE PAYLOAD ...",
		Short: "Send requests and print the replies",
		Long: `Send requests as a plain REQ client does, one after the other, and print the replies.

Each PAYLOAD is a request: the text itself, @FILE for the bytes of a file, - for those of stdin; @@ stands
for an @ in front of a text. With --frames all of them together are one request, a frame each.

A reply is printed with a line for each frame; bytes that are not text are shown as \xNN, unless -o says
otherwise. When zfleet answers with an error instead of a worker, that is printed too and the exit code is 5.
When there is no reply in time, it is 124, and nothing more is sent.`,
		Example: `  zfleet call hello World
  zfleet call tcp://127.0.0.1:5559 one two three
  zfleet call hello @request.bin -o raw >reply.bin
  zfleet call hello World --count 100 -o json`,
		Args:              c.args,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
		ValidArgsFunction: c.complete,
	}
	c.where.flags(cmd)
	c.out = newOutput(cmd, asText, asRaw, asHex)
	cmd.Flags().BoolVar(&c.frames, "frames", false, "send all payloads as the frames of one request")
	cmd.Flags().IntVar(&c.count, "count", 1, "how many times to send it all")
	cmd.Flags().DurationVar(&c.timeout, "timeout", 5*time.Second, "how long to wait for each reply; 0: as long as it takes")
	return cmd
}

func (c *call) args(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usagef(cmd, "a call needs an endpoint or a service, and a payload")
	case len(args) == 1:
		return usagef(cmd, "a call needs a payload; - reads it from stdin")
	case c.count < 1:
		return usagef(cmd, "--count must be more than 0")
	case c.timeout < 0:
		return usagef(cmd, "--timeout must not be negative")
	}
	return nil
}

func (c *call) run(cmd *cobra.Command, args []string) (err error) {
	to, err := c.where.target(cmd.Context(), c.ui, args[0])
	if err != nil {
		return err
	}
	payloads, err := c.ui.payloads(args[1:])
	if err != nil {
		return err
	}
	if err := to.reach(cmd.Context(), c.timeout); err != nil {
		return err
	}
	socket, err := newREQ(to, c.timeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, socket.Close()) }()
	return c.askAll(socket, to, c.requests(payloads))
}

// requests is each request's frames.
func (c *call) requests(payloads [][]byte) (all [][][]byte) {
	if c.frames {
		return [][][]byte{payloads}
	}
	for _, p := range payloads {
		all = append(all, [][]byte{p})
	}
	return all
}

// newREQ is a plain REQ. It forgets an unanswered request when it is closed.
func newREQ(to target, timeout time.Duration) (*zmq4.Socket, error) {
	socket, err := zmq4.NewSocket(zmq4.REQ)
	if err != nil {
		return nil, fmt.Errorf("cannot make a REQ socket: %w", err)
	}
	if timeout == 0 {
		timeout = -1
	}
	err = errors.Join(socket.SetLinger(0), socket.SetIpv6(true), socket.SetSndtimeo(timeout), socket.SetRcvtimeo(timeout), socket.Connect(to.String()))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot connect to %s: %w", to.Endpoint, err), socket.Close())
	}
	return socket, nil
}

func (c *call) askAll(socket *zmq4.Socket, to target, requests [][][]byte) error {
	var failed answeredWithError
	for range c.count {
		for _, frames := range requests {
			began := time.Now()
			reply, err := ask(socket, frames)
			if zmq4.AsErrno(err) == zmq4.Errno(syscall.EAGAIN) {
				return &lateError{fmt.Sprintf("no reply from %s within %v", to.name, c.timeout), "zfleet ps shows whether workers are ready; --timeout waits longer"}
			}
			if err != nil {
				return fmt.Errorf("cannot call %s: %w", to.name, err)
			}
			if err := c.print(reply, time.Since(began)); err != nil {
				return err
			}
			failed.note(reply)
		}
	}
	return failed.err()
}

func ask(socket *zmq4.Socket, frames [][]byte) ([][]byte, error) {
	if _, err := socket.SendMessage(frames); err != nil {
		return nil, err
	}
	return socket.RecvMessageBytes(0)
}

// reply is one reply in JSON.
type reply struct {
	Frames []jsonFrame `json:"frames"`
	Micros int64       `json:"micros"`          // from before the request was sent
	Error  *errorReply `json:"error,omitempty"` // when it is zfleet's own answer
}

func (c *call) print(frames [][]byte, took time.Duration) error {
	if !c.out.json() {
		return printReply(c.ui.out, frames, c.out.chosen)
	}
	line := reply{jsonFrames(frames), took.Microseconds(), asErrorReply(frames)}
	if err := json.NewEncoder(c.ui.out).Encode(line); err != nil {
		return fmt.Errorf("cannot print the reply: %w", err)
	}
	return nil
}

// answeredWithError counts the replies that are zfleet's own.
type answeredWithError struct {
	replies, errors int
	last            errorReply
}

func (e *answeredWithError) note(frames [][]byte) {
	e.replies++
	if reply := asErrorReply(frames); reply != nil {
		e.errors++
		e.last = *reply
	}
}

func (e *answeredWithError) err() error {
	if e.errors == 0 {
		return nil
	}
	return e
}

// Error has the last one's words.
func (e *answeredWithError) Error() string {
	if e.replies == 1 {
		return fmt.Sprintf("answered with an error: %s: %s", e.last.Code, e.last.Message)
	}
	return fmt.Sprintf("%d of %d requests were answered with an error, the last one with %s: %s", e.errors, e.replies, e.last.Code, e.last.Message)
}

func (e *answeredWithError) Hint() string { return "docs/delivery.md tells what the codes mean" }

func (e *answeredWithError) exitCode() int { return exitErrorReply }
