package workertest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// maxLanes is far more than the concurrency that a test needs.
const maxLanes = 4096

// lanes gives each connection of the worker a REQ socket of its own, and so knows which of them is idle. One libzmq socket for all would
// deal requests out in turn, also to the one that is busy.
type lanes struct {
	dir      string
	endpoint string // where the worker connects to
	timeout  time.Duration
	listener net.Listener
	zctx     *zmq.Context
	idle     chan *zmq.Socket
	accepted chan struct{} // accept has returned, and all is there to read
	all      []*zmq.Socket
}

func listen(dir string, timeout time.Duration) (*lanes, error) {
	path := filepath.Join(dir, "backend")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	zctx, err := zmq.NewContext()
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	ls := &lanes{dir: dir, endpoint: "ipc://" + path, timeout: timeout, listener: listener, zctx: zctx,
		idle: make(chan *zmq.Socket, maxLanes), accepted: make(chan struct{})}
	go ls.accept()
	return ls, nil
}

// accept makes a lane of every connection, until the listener is closed.
func (ls *lanes) accept() {
	defer close(ls.accepted)
	for {
		worker, err := ls.listener.Accept()
		if err != nil {
			return
		}
		if err := ls.add(worker); err != nil {
			_ = worker.Close() // the worker tries again
		}
	}
}

func (ls *lanes) add(worker net.Conn) error {
	path := filepath.Join(ls.dir, fmt.Sprint(len(ls.all)))
	socket, err := ls.zctx.NewSocket(zmq.REQ)
	if err != nil {
		return err
	}
	ls.all = append(ls.all, socket)
	err = errors.Join(socket.SetLinger(0), socket.SetRcvtimeo(ls.timeout), socket.SetSndtimeo(ls.timeout), socket.Bind("ipc://"+path))
	if err != nil {
		return err
	}
	lane, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	go pump(worker, lane)
	go pump(lane, worker)
	ls.idle <- socket
	return nil
}

// pump copies what one side sends until it is closed, and then closes the other.
func pump(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

// close is for when the worker has ended and no Call is under way.
func (ls *lanes) close() error {
	errs := []error{ls.listener.Close()}
	<-ls.accepted
	for _, socket := range ls.all {
		errs = append(errs, socket.Close())
	}
	return errors.Join(append(errs, ls.zctx.Term())...)
}
