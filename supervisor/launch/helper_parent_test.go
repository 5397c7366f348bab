package launch

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// parentMain is a supervisor that has a proxy, and waits to be killed. Its arguments are the run folder, and what the proxy is told.
func parentMain() {
	svc := testService("", fleet.Workers{})
	svc.Delivery.ErrorReply = os.Args[3]
	l, err := New(Options{
		Fleet: "test", Spec: fleet.Spec{Services: []fleet.Service{svc}, OrphanGrace: time.Hour},
		Self: os.Args[0], RunDir: os.Args[2], Log: zerolog.Nop(),
	})
	if err != nil {
		fail(err)
	}
	began := left{}
	told := make(chan fleet.Event, 100)
	l.Launch(fleet.Life{Service: "hello", Slot: fleet.ProxySlot, N: 1}, svc, func(e fleet.Event) { told <- e })
	for e := range told {
		switch e := e.(type) {
		case fleet.Launched:
			began.Pid = e.Pid
		case fleet.BecameReady:
			began.Frontend = listener(l.homes.of("hello"), "frontend", 0).Bound().String()
			began.IPC = listener(l.homes.of("hello"), "backend", 1).Bound().Path
			_ = json.NewEncoder(os.Stdout).Encode(began)
		}
		if os.Args[3] == hangsAnswering && began.Pid != 0 { // it never becomes ready
			_ = json.NewEncoder(os.Stdout).Encode(began)
			break
		}
	}
	select {}
}

// left is what parentMain leaves.
type left struct {
	Pid           int
	Frontend, IPC string
}

// strangerMain listens at a path, and answers with what is no HTTP.
func strangerMain() {
	l, err := net.Listen("unix", os.Args[2])
	if err != nil {
		fail(err)
	}
	fmt.Println("listens")
	for {
		conn, err := l.Accept()
		if err != nil {
			fail(err)
		}
		_, _ = io.WriteString(conn, "220 mail.example.org ESMTP\r\n")
		_ = conn.Close()
	}
}
