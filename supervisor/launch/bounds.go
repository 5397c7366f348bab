package launch

import "time"

// bounds are the times that no fleet.toml sets.
type bounds struct {
	poll        time.Duration // between questions to a process that is not ready yet
	settle      time.Duration // for a plugin's own drain, once the proxy says that it holds nothing
	terminate   time.Duration // from SIGTERM to SIGKILL
	dump        time.Duration // from the signal that asks for a stack dump to SIGKILL
	tail        time.Duration // for the last output of a dead process, if another one holds its pipes
	cleanup     time.Duration // for go-plugin to let go of a dead process
	ask         time.Duration // for a question to a proxy on behalf of somebody else
	proxyAnswer time.Duration // for a proxy to answer its health check: killing one loses requests, so it is not done lightly
	proxyMisses int           // such checks in a row
	orphan      orphanBounds
	exits       time.Duration // for a proxy to hear how a worker ended
	closing     time.Duration // for all processes to be gone after SIGKILL
}

func defaultBounds() bounds {
	return bounds{
		poll:        50 * time.Millisecond,
		settle:      2 * time.Second,
		terminate:   5 * time.Second,
		dump:        2 * time.Second,
		tail:        500 * time.Millisecond,
		cleanup:     time.Second,
		ask:         2 * time.Second,
		proxyAnswer: 5 * time.Second,
		proxyMisses: 3,
		orphan:      defaultOrphanBounds,
		exits:       10 * time.Second,
		closing:     10 * time.Second,
	}
}
