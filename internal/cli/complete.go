package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/config"
)

// tomlFiles completes the argument FILE.
func tomlFiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
}

// complete offers the services that have no number yet. A shell must not wait for a fleet, so they are those of the file.
func (s *scale) complete(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	file, err := config.Load(s.where.path())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var offers []string
	for _, svc := range file.Spec.Services {
		offer := svc.Name + "="
		if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, offer) }) {
			offers = append(offers, offer)
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
