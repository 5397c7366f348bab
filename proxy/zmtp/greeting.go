package zmtp

import (
	"bytes"
	"strings"
)

const (
	greetingSize  = 64
	signatureSize = 10
	versionSize   = 2
	mechanismSize = 20
)

// preface is the part of our greeting that does not depend on the peer: signature and version 3.1.
const preface = "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x01"

// greeting is what a peer's first 64 bytes say.
type greeting struct {
	minor     byte // 1 for a peer of a later major version: it has to speak ours
	mechanism string
	asServer  bool
}

// parseGreeting reads a greeting. It complains as soon as the bytes that are there cannot be the start of one, and is not ok until all
// are there.
func parseGreeting(in []byte) (g greeting, ok bool, err error) {
	if err := checkSignature(in); err != nil {
		return g, false, err
	}
	if len(in) > signatureSize && in[signatureSize] < 3 {
		return g, false, oldVersion(in[signatureSize])
	}
	if len(in) < greetingSize {
		return g, false, nil
	}
	g.minor = in[signatureSize+1]
	if in[signatureSize] > 3 {
		g.minor = 1
	}
	field := in[signatureSize+versionSize:][:mechanismSize]
	name := bytes.TrimRight(field, "\x00")
	if !isMechanismName(name) {
		return g, false, errorf("peer sent a greeting with a malformed mechanism, %s", shown(name))
	}
	g.mechanism = string(name)
	g.asServer = in[signatureSize+versionSize+mechanismSize] != 0
	return g, true, nil
}

// isMechanismName holds a name against mechanism-char of RFC 37.
func isMechanismName(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-_.+", c) < 0 {
			return false
		}
	}
	return len(b) > 0
}

// checkSignature tells old and foreign protocols by their first bytes (RFC 37, Backwards Interoperability).
func checkSignature(in []byte) error {
	switch {
	case len(in) == 0:
		return nil
	case in[0] != 0xff:
		return foreign(in)
	case len(in) < signatureSize || in[signatureSize-1] == 0x7f:
		return nil
	case in[signatureSize-1]&1 == 0: // the flags of an identity frame whose length took nine bytes
		return oldVersion(0)
	}
	return errorf("peer does not speak ZMTP: its greeting has a broken signature")
}

func oldVersion(major byte) error {
	if major == 0 {
		return errorf("peer speaks ZMTP 1.0, 3.0 or later is needed")
	}
	return errorf("peer speaks ZMTP 2.0, 3.0 or later is needed")
}

// appendGreetingRest appends what follows the preface.
func appendGreetingRest(out []byte, mechanism string, asServer bool) []byte {
	var rest [greetingSize - signatureSize - versionSize]byte
	copy(rest[:mechanismSize], mechanism)
	if asServer {
		rest[mechanismSize] = 1
	}
	return append(out, rest[:]...)
}
