package fleet

import (
	"fmt"
	"time"
)

// Spec is what one fleet.toml declares, with every default filled in.
type Spec struct {
	Name        string
	Services    []Service // in the file's order; signals scale the first
	MaxStarting int       // unproven starts of workers under way at a time, over the whole fleet; at least 1

	OrphanGrace time.Duration // how long a proxy serves on whose supervisor was killed, and waits for the next one; 0: it ends at once
}

// Service is one proxy and the workers behind it.
type Service struct {
	Name     string
	Frontend []string // endpoints as libzmq spells them: tcp://*:5559, ipc:///run/x
	Backend  []string
	Delivery Delivery
	Workers  Workers
	Restart  Restart
	Health   Health

	Autoscale Autoscale
}

// Delivery is passed on to the proxy.
type Delivery struct {
	Prefetch         int           // 0: adaptive
	Once             bool          // what a worker held when it ended gets an error, and is not delivered again
	Timeout          time.Duration // how long a worker may take for one request before it counts as stuck; 0: as long as it likes
	Deadline         time.Duration // how long after its arrival a request is answered with an error; 0: never
	Heartbeat        time.Duration // a worker that is silent for so long is sent a PING; 0: never
	HeartbeatTimeout time.Duration // a worker that is silent for so long is lost
	Attempts         int           // deliveries before a request is answered with an error
	Queue            int           // waiting requests at which clients are paused
	QueueBytes       int64         // the same, in bytes
	Reject           bool          // requests beyond the queue get an error, and clients are not paused
	MaxMessage       int64         // bytes of one message, all its frames
	ClientBuffer     int64         // bytes of unread replies at which a client is dropped
	DeadLetters      int64         // bytes of requests that are kept on disk because their workers ended with them; 0: none are
	DeadLettersAge   time.Duration // after which they are dropped; 0: never
	Eject            time.Duration // how long a worker that is far worse than others gets nothing, for the first time; 0: never
	MaxEjected       int           // percent of the workers' connections that this may be done to at a time
	ErrorReply       string        // template of the reply when no worker's will come; "": zfleet's own
}

// Workers says what a worker process is and how many there are. Exactly one of Plugin and Command is set.
type Workers struct {
	Plugin       string   // path of a workerkit binary
	Command      []string // any REP program
	Count        int
	Min, Max     int // bounds for scaling by hand; Max 0: none
	Concurrency  int // REP sockets in one plugin process; 0: the plugin's own default
	Env          map[string]string
	Dir          string        // working directory; "" is the fleet file's folder, made absolute by config
	Grace        time.Duration // how long a stop may wait for requests under way
	StartTimeout time.Duration // to become ready, counted while the proxy is; 0: no limit
	MinReady     time.Duration // that a worker must have been ready before it takes another's place, and before the next is replaced
	MaxRequests  int           // answered by one worker until another takes its place; 0: no limit
	MaxAge       time.Duration // of one worker until another takes its place, less up to a tenth; 0: no limit
	MemoryMax    int64         // bytes of its process group in memory at which another takes its place; 0: no limit
	MaxSurge     Share         // of the wanted workers: how many more run while workers are replaced
	MemoryLimit  int64         // bytes that one worker's processes may use, the kernel sees to that; 0: no limit
	CPUs         float64       // of the machine's that they may use; 0: no limit
}

// Share is a number, or so many percent of something.
type Share struct {
	N       int
	Percent int // 0: N counts
}

func (s Share) String() string {
	if s.Percent > 0 {
		return fmt.Sprintf("%d%%", s.Percent)
	}
	return fmt.Sprint(s.N)
}

// Within is the share of n, rounded down, and at least 1.
func (s Share) Within(n int) int {
	if s.Percent > 0 {
		return max(1, n*s.Percent/100)
	}
	return max(1, s.N)
}

// Of is the share of n, rounded up, and at least 1.
func (s Share) Of(n int) int {
	if s.Percent > 0 {
		return max(1, (n*s.Percent+99)/100)
	}
	return max(1, s.N)
}

// Restart is how a slot comes back after a failure.
type Restart struct {
	Delay     time.Duration // of the second restart in a row; the first is at once
	MaxDelay  time.Duration // the cap that doubling stops at
	Jitter    int           // percent that a delay is made longer or shorter by at most
	Reset     time.Duration // this long ready forgives all failures
	Failures  int           // this many; 0: no number is
	Window    time.Duration // within this long is a crash loop
	NoRestart []int         // exit codes after which the slot stays stopped
}

// Health is how processes are asked how they are.
type Health struct {
	Interval time.Duration // these three are a proxy's, and what Ready and Alive are if nothing else is said
	Timeout  time.Duration
	Failures int // questions without an answer, in a row

	Ready Check  // a plugin's own word whether it takes requests
	Alive Check  // whether a plugin answers at all, and how a worker is probed
	Probe string // the request, one frame, that a worker is sent which has nothing to do; "": none is
	Reply string // the one frame that it is to answer with; "": any reply will do

	// MaxUnhealthy, of the wanted workers, may be killed because they hang in this way and not be ready again at the same time.
	MaxUnhealthy Share
	// DumpSignal is sent to a worker that is killed because it hangs, to have it leave a stack dump first: SIGQUIT, SIGABRT, …; "": none.
	DumpSignal string
}

// Check is how one question is asked.
type Check struct {
	Interval  time.Duration // from an answer to the next question
	Timeout   time.Duration // for an answer
	Failures  int           // so many in a row, and the answer is no
	Successes int           // so many in a row, and it is yes again
}

// Autoscale says how many workers there are to be by what clients ask for, instead of Workers.Count, with which a service starts.
type Autoscale struct {
	Min, Max     int           // Max 0: there is no autoscaling
	TargetWait   time.Duration // what requests may wait in the queue, on average
	TargetBusy   int           // percent of their time that workers are meant to work
	UpCooldown   time.Duration // between two ups
	DownAfter    time.Duration // fewer workers must have been enough for so long
	DownCooldown time.Duration // between two downs
	IdleAfter    time.Duration // no request for so long, and with Min 0 there are to be no workers
}

// On says whether there is autoscaling.
func (a Autoscale) On() bool { return a.Max > 0 }
