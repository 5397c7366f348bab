//go:build race

package main

import "os"

// The programs have the race detector when the tests have it. By default it makes each of them sleep for a second at its end.
func init() {
	race = true
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
}
