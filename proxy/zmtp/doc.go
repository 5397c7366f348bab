// Package zmtp speaks ZMTP 3.1 (https://rfc.zeromq.org/spec/37/) as bytes in, bytes out. It knows no sockets, no clock and no goroutine.
//
// A connection starts with a Handshake: Begin gives what to send first, Feed takes what the peer sends and says what to answer. When it is
// done, a Scanner cuts the traffic into messages and commands without copying. The rest reads and writes single parts of a message or
// command: Envelope and Token, Frames, AppendFrame, ParseCommand, ParsePing.
//
// The package is the side that accepts connections. It serves the mechanisms NULL and PLAIN, to peers of version 3.0 and later.
// Deadlines, buffers, writing, and what to do with a message are the caller's. Numbers that a peer sends are checked against limits before
// anything is allocated or waited for because of them. Functions that handle traffic do not allocate, save for an error.
package zmtp
