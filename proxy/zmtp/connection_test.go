package zmtp_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/zfleet/zfleet/proxy/zmtp"
)

const patience = 30 * time.Second

// connection is the smallest blocking user of the package: one buffer, one Handshake, one Scanner.
type connection struct {
	net.Conn
	handshake zmtp.Handshake
	scanner   zmtp.Scanner
	unread    []byte
	between   int // commands that came between two frames of a message
}

// accept takes the next connection of l through its handshake.
func accept(l net.Listener, role *zmtp.Role) (*connection, error) {
	conn, err := l.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: conn}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	return c, c.greet(role)
}

func (c *connection) greet(role *zmtp.Role) error {
	out := c.handshake.Begin(role, nil)
	for {
		n, out2, done, err := c.handshake.Feed(c.unread, out)
		c.unread = c.unread[n:]
		if _, werr := c.Write(out2); werr != nil || err != nil || done {
			return errors.Join(err, werr)
		}
		if out = out2[:0]; c.read() != nil {
			return errors.New("the peer hung up in its handshake")
		}
	}
}

func (c *connection) hangUp() { _ = c.Close() }

func (c *connection) read() error {
	var buf [4096]byte
	n, err := c.Read(buf[:])
	c.unread = append(c.unread, buf[:n]...)
	return err
}

// receive returns the next message and answers the PINGs before it.
func (c *connection) receive() ([]byte, error) {
	for {
		item, err := c.scanner.Next(c.unread)
		if err != nil {
			return nil, err
		}
		switch item.Kind {
		case zmtp.None:
			err = c.read()
		case zmtp.Command:
			err = c.obey(item)
		case zmtp.Message:
			msg := c.unread[:item.End]
			c.unread = c.unread[item.End:]
			return msg, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// obey takes a command out of the stream and answers it if it is a PING.
func (c *connection) obey(item zmtp.Item) error {
	if item.Start > 0 {
		c.between++
	}
	name, data, err := zmtp.ParseCommand(c.unread[item.Start:item.End])
	if err != nil {
		return err
	}
	if name == zmtp.Ping {
		_, context, err := zmtp.ParsePing(data)
		if err != nil {
			return err
		}
		if _, err := c.Write(zmtp.AppendPong(nil, context)); err != nil {
			return err
		}
	}
	c.unread = append(c.unread[:item.Start], c.unread[item.End:]...)
	return nil
}

func listen(t *testing.T) (l net.Listener, endpoint string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, "tcp://" + l.Addr().String()
}
