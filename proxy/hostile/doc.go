// Package hostile holds tests alone: peers that mean harm, against a proxy in a process of its own, whose time, memory and descriptors can
// be told from theirs. Others must be served meanwhile, nearly as fast as without them, and the proxy must not grow. What each peer gets
// for what it sends is in package conformance.
package hostile
