// Package house has the rules that hold between packages, as tests: who may import whom, that every package says what it is for, and that
// each row of docs/delivery.md and docs/supervision.md has a test which shows it. What holds within a file is left to the linters in
// .golangci.yml.
package house
