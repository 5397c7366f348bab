package dispatch

// A Kind is what an Action asks the shell to do.
type Kind uint8

const (
	Deliver    Kind = iota + 1 // send Message, named Token, to Lane
	Fail                       // answer Client with an error, for Cause, after Attempts; the message is released with it
	Discard                    // nobody waits for Message any more: release it; Cause and Attempts are as in a Fail
	Pause                      // stop reading from Client
	Resume                     // read from Client again
	Drained                    // Lane is draining and holds nothing
	Ejected                    // Lane gets nothing for a while, or only what waits for long: Lane.Ejected says why
	Back                       // Lane, which was ejected, is tried again
	Stuck                      // Lane has worked on its oldest request for Config.Timeout: call SetAside, or end it and call Lost; told once for a request
	Probe                      // send Lane a probe, named Token, and call Probed with the reply
	Unanswered                 // Lane has not answered a probe in Config.ProbeTimeout; Attempts is how many it has failed in a row
)

// A Cause is why a request ends in a Fail.
type Cause uint8

const (
	Aborted      Cause = iota // by Abort; its client has left
	AttemptsUsed              // it has Config.Attempts strikes
	Rejected                  // the queue is full
	Overdue                   // Config.Deadline has passed
	LaneLost                  // with Config.Once
)

// Action is one thing for the shell to do. Fields beside Kind are set where the Kind's comment names them; Fail has its Message too.
type Action[M any] struct {
	Kind     Kind
	Cause    Cause
	Lane     *Lane[M]
	Client   *Client[M]
	Token    Token
	Message  M
	Attempts int // those that counted as strikes; of Unanswered, failures
}
