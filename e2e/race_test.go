//go:build race

package e2e

import "os"

// The programs have the race detector when the tests have it. By default it makes each of them sleep for a second at its end.
func init() {
	buildFlags = append(buildFlags, "-race")
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
}
