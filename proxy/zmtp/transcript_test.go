package zmtp

// The bytes of RFC 37 and RFC 24, by hand. Each constant is one unit as a peer sends it or as we must answer.
const (
	pad20    = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	filler31 = pad20 + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

	signature   = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f" // libzmq puts the length of its identity plus one into the padding
	mechNULL    = "NULL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	mechPLAIN   = "PLAIN\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	mechCURVE   = "CURVE\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	mechNothing = pad20

	nullGreeting  = signature + "\x03\x01" + mechNULL + "\x00" + filler31
	plainGreeting = signature + "\x03\x01" + mechPLAIN + "\x00" + filler31
	curveGreeting = signature + "\x03\x01" + mechCURVE + "\x00" + filler31

	// Ours.
	begin     = "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x01"
	restNULL  = mechNULL + "\x00" + filler31
	restPLAIN = mechPLAIN + "\x01" + filler31

	typeREQ    = "\x0bSocket-Type\x00\x00\x00\x03REQ"
	typeREP    = "\x0bSocket-Type\x00\x00\x00\x03REP"
	typeDEALER = "\x0bSocket-Type\x00\x00\x00\x06DEALER"
	typeROUTER = "\x0bSocket-Type\x00\x00\x00\x06ROUTER"
	typePUB    = "\x0bSocket-Type\x00\x00\x00\x03PUB"
	noIdentity = "\x08Identity\x00\x00\x00\x00"

	readyREQ    = "\x04\x26\x05READY" + typeREQ + noIdentity
	readyREP    = "\x04\x19\x05READY" + typeREP
	readyDEALER = "\x04\x29\x05READY" + typeDEALER + noIdentity // the RFC's worked example
	readyROUTER = "\x04\x29\x05READY" + typeROUTER + noIdentity
	readyPUB    = "\x04\x19\x05READY" + typePUB

	helloBob    = "\x04\x11\x05HELLO\x03bob\x06secret"
	welcomeCmd  = "\x04\x08\x07WELCOME"
	initiateREP = "\x04\x1c\x08INITIATE" + typeREP
	initiateREQ = "\x04\x29\x08INITIATE" + typeREQ + noIdentity
	error400    = "\x04\x0a\x05ERROR\x03400"

	ping  = "\x04\x09\x04PING\x00\x0aab"
	pong  = "\x04\x07\x04PONGab"
	short = "\x00\x05Hello"
)
