package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// What the commands can do is in docs/cli.md: a flag that is not there is not known to anyone.
func TestDocsNameEveryCommandFlagAndExitCode(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	must(t, err)
	docs := string(text)
	needs := func(words string) {
		if !strings.Contains(docs, words) {
			t.Errorf("docs/cli.md does not tell of %s", words)
		}
	}
	for _, cmd := range newRootCommand(&tui{out: io.Discard, err: io.Discard}).Commands() {
		if cmd.Hidden {
			continue
		}
		needs("`zfleet " + cmd.Name())
		if elsewhere := []string{"proxy", "completion", "help"}; slices.Contains(elsewhere, cmd.Name()) {
			continue
		}
		flagsOf(cmd, needs)
		for _, sub := range cmd.Commands() {
			needs(sub.CommandPath())
			flagsOf(sub, needs)
		}
	}
	for _, code := range []int{exitOK, exitFailed, exitUsage, exitNoFleet, exitErrorReply, exitLate} {
		needs(fmt.Sprintf("| %d |", code))
	}
}

func flagsOf(cmd *cobra.Command, needs func(string)) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "file":
			needs("-f FILE")
		case "output":
			needs("-o json")
		default:
			needs("--" + f.Name)
		}
	})
}
