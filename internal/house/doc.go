// Package house has the rules that hold between packages, as tests: who may import whom, and that every package says what it is for. What
// holds within a file is left to the linters in .golangci.yml.
package house
