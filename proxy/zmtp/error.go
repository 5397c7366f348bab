package zmtp

import (
	"fmt"
	"strconv"
)

// Error is a breach of the protocol, or a refusal, in one sentence that says what the peer did. The connection cannot be used after it.
type Error struct {
	sentence string
	reason   string // what an ERROR command tells the peer, where that is not the sentence
	final    bool   // the peer gave up first: nothing is to be sent any more
	cause    error
}

// Error returns the sentence. Bytes of the peer's in it are quoted and cut to a bounded length.
func (e *Error) Error() string { return e.sentence }

// Unwrap returns the error with which Role.Authenticate refused the peer, if that was the cause.
func (e *Error) Unwrap() error { return e.cause }

func errorf(format string, args ...any) error {
	return &Error{sentence: fmt.Sprintf(format, args...)}
}

// shown makes bytes of a peer's fit for a sentence: bare when they are a short word, else quoted and cut.
func shown(b []byte) string {
	const most = 64
	for _, c := range b {
		if c <= ' ' || c > '~' || c == '"' || len(b) > most {
			return strconv.QuoteToASCII(string(b[:min(len(b), most)]))
		}
	}
	if len(b) == 0 {
		return `""`
	}
	return string(b)
}
