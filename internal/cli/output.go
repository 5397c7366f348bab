package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// output is the flag -o: for people, or for programs.
type output struct{ people, chosen string }

const asJSON = "json"

// newOutput adds the flag to a command. People is what the form for people is called: a table, or text.
func newOutput(cmd *cobra.Command, people string) *output {
	o := &output{people, people}
	cmd.Flags().VarP(o, "output", "o", people+" or "+asJSON)
	choices := cobra.FixedCompletions([]string{people, asJSON}, cobra.ShellCompDirectiveNoFileComp)
	_ = cmd.RegisterFlagCompletionFunc("output", choices) // it can only fail for a flag that is not there
	return o
}

func (o *output) json() bool { return o.chosen == asJSON }

// String, Set and Type make it a pflag.Value.
func (o *output) String() string { return o.chosen }

// Set takes one of the two forms.
func (o *output) Set(text string) error {
	if text != o.people && text != asJSON {
		return fmt.Errorf("want %s or %s", o.people, asJSON)
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
