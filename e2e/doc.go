// Package e2e holds tests alone: whole fleets, started as a user starts them, with real libzmq clients and workers, while processes are
// killed. What they promise is the first page of the README: a request that reached zfleet is answered.
package e2e
