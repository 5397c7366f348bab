package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// output is the flag -o: for people, or for programs.
type output struct {
	forms  []string
	chosen string
}

const asJSON = "json"

// newOutput adds the flag to a command. People is what the form for people is called, a table or text; there may be more beside JSON.
func newOutput(cmd *cobra.Command, people string, more ...string) *output {
	o := &output{append(append([]string{people}, more...), asJSON), people}
	cmd.Flags().VarP(o, "output", "o", o.choices())
	choices := cobra.FixedCompletions(o.forms, cobra.ShellCompDirectiveNoFileComp)
	_ = cmd.RegisterFlagCompletionFunc("output", choices) // it can only fail for a flag that is not there
	return o
}

func (o *output) json() bool { return o.chosen == asJSON }

// choices is the forms as a sentence has them.
func (o *output) choices() string {
	last := len(o.forms) - 1
	return strings.Join(o.forms[:last], ", ") + " or " + o.forms[last]
}

// String, Set and Type make it a pflag.Value.
func (o *output) String() string { return o.chosen }

// Set takes one of the forms.
func (o *output) Set(text string) error {
	if !slices.Contains(o.forms, text) {
		return fmt.Errorf("want %s", o.choices())
	}
	o.chosen = text
	return nil
}

// Type is the word for the value in the help.
func (o *output) Type() string { return "FORMAT" }

// indented is JSON that people can read too.
func indented(value any) string {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic(err) // all that is printed are structs of numbers, strings and times
	}
	return string(text) + "\n"
}
