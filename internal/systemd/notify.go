package systemd

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What a service says of itself: sd_notify(3).
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// Status is one line for people who look at the service. What could end the line, and more than a line, is left out.
func Status(text string) string { return "STATUS=" + oneLine(text) }

// maxStatus keeps the whole message far below what a datagram takes.
const maxStatus = 1000

func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxStatus {
		text = strings.ToValidUTF8(text[:maxStatus], "") + " ..."
	}
	return text
}

// Extend asks for this much time, from now, for what is under way: coming up, or ending.
func Extend(by time.Duration) string {
	return "EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(by.Microseconds(), 10)
}

// Reloading says that the configuration is being read anew. Ready, or what went wrong as Status and then Ready, ends it. A service of
// Type=notify-reload has to say since when, on the monotonic clock.
func Reloading() string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // it cannot fail for this clock
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(now.Nano()/1000, 10)
}

// Notifier tells the service manager. The zero Notifier has none, and tells nobody.
type Notifier struct{ address string }

// notifier checks an address: a path, or @name for an abstract socket.
func notifier(address string) (Notifier, error) {
	if address != "" && address[0] != '/' && address[0] != '@' {
		return Notifier{}, fmt.Errorf("cannot tell the service manager anything: NOTIFY_SOCKET is %q, neither a path nor an abstract unix socket", address)
	}
	return Notifier{address}, nil
}

// IsHeard says whether there is somebody to tell.
func (n Notifier) IsHeard() bool { return n.address != "" }

// sendTime is for a manager that does not read: it is not waited for.
const sendTime = time.Second

// Send tells all of it at once.
func (n Notifier) Send(states ...string) error {
	if !n.IsHeard() {
		return nil
	}
	if err := n.send(strings.Join(states, "\n")); err != nil {
		return fmt.Errorf("cannot tell the service manager at %s: %v", n.address, err)
	}
	return nil
}

func (n Notifier) send(message string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.address, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}
