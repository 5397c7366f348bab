package workerkit

import (
	"fmt"
	"runtime/debug"

	"github.com/rs/zerolog"
)

// guard calls code of the author's and turns a panic into an error without the stack, which is for the log.
func guard(log zerolog.Logger, what string, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error().Str("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).Msgf("the %s panicked", what)
			err = Errorf(Internal, "the %s panicked: %v", what, p)
		}
	}()
	return call()
}
