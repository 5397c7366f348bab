package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usageError is a command used wrongly.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

func (e *usageError) Hint() string { return e.hint }

func (e *usageError) exitCode() int { return exitUsage }

func usagef(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), cmd.CommandPath() + " --help"}
}

func wrongFlag(cmd *cobra.Command, err error) error { return usagef(cmd, "%v", err) }

// atMost replaces cobra's own check for its words.
func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) <= n:
			return nil
		case n == 0:
			return usagef(cmd, "%s takes no argument, and there is %q", cmd.CommandPath(), args[0])
		}
		return usagef(cmd, "%s takes one %s, and there are %d arguments", cmd.CommandPath(), what, len(args))
	}
}

// knownCommand: what cobra found no command for arrives as an argument of the root.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := &usageError{fmt.Sprintf("there is no command %q", args[0]), didYouMean(cmd, args[0])}
	if err.hint == "" {
		err.hint = cmd.CommandPath() + " --help"
	}
	return err
}

// didYouMean names the commands that are nearest, or is "".
func didYouMean(cmd *cobra.Command, name string) string {
	cmd.SuggestionsMinimumDistance = 2
	near := cmd.SuggestionsFor(name)
	if len(near) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}
