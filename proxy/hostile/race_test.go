//go:build race

package hostile

// slower is how much more time the proxy takes with the race detector.
const slower = 10
