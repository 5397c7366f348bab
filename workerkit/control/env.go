package control

// The environment of a worker, plugin or plain command.
const (
	// EnvBackend is the ZeroMQ endpoints to connect REP sockets to, separated by spaces. A plugin is told by Start instead.
	EnvBackend = "ZFLEET_BACKEND"
	// EnvRun is which run of which supervisor it was started by: what the worker leaves behind is known by it.
	EnvRun = "ZFLEET_RUN"
	// EnvWorker is the name of this process life: hello/3#7.
	EnvWorker = "ZFLEET_WORKER"
	// EnvService is the service it works for: hello.
	EnvService = "ZFLEET_SERVICE"
	// EnvLifeline is the number of an inherited file descriptor, the reading end of a pipe that the supervisor never writes to. EOF means
	// that the supervisor is gone: drain and exit.
	EnvLifeline = "ZFLEET_LIFELINE"
	// EnvLogLevel is the least level that workerkit logs: debug, info (the default), warn, error.
	EnvLogLevel = "ZFLEET_LOG_LEVEL"
)
