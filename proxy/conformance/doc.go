// Package conformance holds the project's engine against libzmq's. It has tests only. Real libzmq peers (REQ, DEALER, REP, ROUTER through
// pebbe/zmq4) and hand-made ones on bare sockets talk to an engine over real connections.
//
// The first part, run by each, expects the same of both engines: all that zmq_proxy(3) between a ROUTER and a DEALER promises. It is
// proven on package reference. The second part, files ours_*_test.go, expects of zfleet's engine alone what no zmq_proxy promises:
// requests outlive their workers, clients take turns, a drain loses nothing.
//
// TestEnginesAgree plays random scripts of clients and workers (scripts_test.go) on both and compares every reply.
//
// What an engine decides is asked of package dispatch and its scripts; what bytes mean is asked of package zmtp and its fuzz targets.
package conformance
