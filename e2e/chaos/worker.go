package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/pebbe/zmq4"
)

// asWorker makes this program a REP worker that knows nothing of zfleet: its value is the endpoint.
const asWorker = "CHAOS_WORKER"

// repWorker obeys the orders that clients here give, and answers them as plugins/misbehave does. It never returns.
func repWorker(endpoint string) {
	rep, err := zmq4.NewSocket(zmq4.REP)
	if err == nil {
		err = rep.Connect(endpoint)
	}
	for err == nil {
		var body []string
		if body, err = rep.RecvMessage(0); err == nil {
			body[0] = obey(body[0])
			_, err = rep.SendMessage(body)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func obey(order string) string {
	word, args, _ := strings.Cut(order, " ")
	switch word {
	case "sleep":
		d, _ := time.ParseDuration(args)
		time.Sleep(d)
	case "once":
		path, deed, _ := strings.Cut(args, " ")
		if file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_ = file.Close()
			harm(deed)
		} else if !errors.Is(err, fs.ErrExist) {
			return err.Error()
		}
	}
	return answerTo(order)
}

// harm is what an order of harms does.
func harm(deed string) {
	switch deed {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "exit 3":
		os.Exit(3)
	}
	time.Sleep(3 * time.Second) // the hang; and until the signal has come
}

// harms are what a request may do to the first worker that gets it.
var harms = []string{"kill", "stop", "exit 3", "hang 3s", "crash"}

// answerTo is the first frame of the reply to an order.
func answerTo(order string) string {
	word, args, _ := strings.Cut(order, " ")
	if word == "sleep" {
		return "slept " + args
	}
	path, _, _ := strings.Cut(args, " ")
	return word + " " + path
}
