package zmtp

// appendFailure appends an ERROR command. RFC 37: error-reason = short-size 0*255VCHAR, so a sentence loses its spaces.
func appendFailure(out []byte, e *Error) []byte {
	reason := e.reason
	if reason == "" {
		reason = e.sentence
	}
	reason = reason[:min(len(reason), 255)]
	out = append(appendCommand(out, failure, 1+len(reason)), byte(len(reason)))
	for _, c := range []byte(reason) {
		if c <= ' ' || c > '~' {
			c = '-'
		}
		out = append(out, c)
	}
	return out
}

// peerFailure is the error that a peer's ERROR command stands for.
func peerFailure(data []byte) error {
	reason, _, ok := cutString(data)
	if !ok {
		reason = data
	}
	return &Error{sentence: "peer refused the connection: " + shown(reason), final: true}
}
