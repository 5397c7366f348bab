// Command zfleet runs a fleet of ZeroMQ REP workers behind one ROUTER port and one DEALER port. See `zfleet --help` and docs/cli.md.
package main

import (
	"os"

	"github.com/zfleet/zfleet/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
