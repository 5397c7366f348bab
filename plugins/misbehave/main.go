// Misbehave is a worker that does wrong on request: the test double for everything that looks after workers.
//
// # On request
//
// The first frame of a request says what to do, as a word and its arguments. The answer is one frame, and the request's other frames after
// it.
//
//	echo TEXT            answers TEXT
//	pid                  answers its process id
//	env NAME             answers a variable of its environment
//	count                answers how many requests it has been given, this one included
//	sleep DURATION       answers after that long: sleep 50ms
//	error CODE MESSAGE   answers with an error reply: error NOT_FOUND no such user
//	panic                panics in the handler, which is an error reply
//	crash                panics outside of the handler: the process ends with status 2
//	kill                 kills itself with SIGKILL
//	exit STATUS          exits with that status
//	hang [DURATION]      does not answer for that long, or ever, and is deaf to its context
//	stop                 stops itself with SIGSTOP, and answers when somebody sends SIGCONT
//	flood-stderr MIB     writes that much to standard error and answers
//	weird-log            writes lines that upset readers of logs to standard error and answers
//	leak MIB             takes that much memory, keeps it and answers
//	once PATH REQUEST    does REQUEST for the first that asks, which makes the file PATH; answers "once PATH" to it and all others
//
// Anything else is answered with an error reply, INVALID_ARGUMENT.
//
// # From the start
//
// MISBEHAVE in its environment has tricks, separated by commas, which it does in that order: MISBEHAVE=slow-start:2s,unhealthy
//
//	exit-at-once[:STATUS]                   exits before the handshake, with status 1 or the one given
//	junk-handshake                          writes no handshake but junk to standard output, and stays (a plugin only)
//	never-handshake                         starts and says nothing
//	slow-start:DURATION                     its setup takes that long
//	broken-setup                            its setup fails
//	unhealthy                               its health check says no
//	hung-health                             its health check does not return
//	unready-while:PATH                      its health check says no while there is a file PATH, in which % is its slot
//	dead-while:PATH                         its alive check says so while there is a file PATH, in which % is its slot
//	crash-after:N                           answers N requests and crashes at the next
//	ignore-drain                            never finishes draining; SIGTERM still ends it
//	ignore-term                             ignores SIGTERM
//	flood-stderr:MIB                        writes that much to standard error before the handshake
//	weird-log                               writes the lines of that request before the handshake
//	grandchild-holds-stderr[:DURATION]      starts a child in its process group that holds standard error open for that long, or 30s, and
//	                                        says which: grandchild 4711 holds standard error for 30s
//	detached-grandchild-holds-stderr[:DURATION]  the same, in a session of its own: killing the group leaves it
//
// A trick that does not exist ends it with status 2. As every worker, it also runs as a plain command.
package main

import (
	"fmt"
	"os"

	"github.com/zfleet/zfleet/workerkit"
)

func main() {
	m := &misbehaver{crashAfter: never}
	opts, err := m.start(os.Getenv("MISBEHAVE"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "misbehave: %v\n", err)
		os.Exit(2)
	}
	workerkit.Main(m, append(opts, workerkit.Name("misbehave"), workerkit.Description("does wrong on request"))...)
}
