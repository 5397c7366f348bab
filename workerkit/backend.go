package workerkit

// Backend is where a worker connects to, and as whom.
type Backend struct {
	// Endpoints are ZeroMQ endpoints of DEALER ports: tcp://127.0.0.1:5560, ipc:///run/x.sock. Every REP socket connects to each.
	Endpoints []string
	// Worker is the worker's name, the PLAIN username that goes with Secret.
	Worker string
	// Secret is the PLAIN password; "" means no mechanism (NULL) and no name.
	Secret string
}
