// Package await is for tests of processes and sockets: they wait for a condition, never for a time (Until), at ports that stay theirs (Port).
package await

import "time"

// Tester is a *testing.T, or the *rapid.T of one check.
type Tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

const (
	patience = time.Minute          // a condition that takes longer than this on a busy machine does not come
	look     = 2 * time.Millisecond // between looks
)

// Until waits for cond to hold, and ends the test when it does not: what says what was waited for.
func Until(t Tester, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(look) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
