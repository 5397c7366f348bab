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

// complete offers the services that have no number yet.
func (s *scale) complete(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return offered(s.where, args, "="), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// complete offers the services that are not named yet.
func (r *restart) complete(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return offered(r.where, args, ""), cobra.ShellCompDirectiveNoFileComp
}

// complete offers the services that are not named yet.
func (u *upgrade) complete(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return offered(u.where, args, ""), cobra.ShellCompDirectiveNoFileComp
}

// completeService offers the services for the one argument that names one.
func (w *where) completeService(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return offered(*w, nil, ""), cobra.ShellCompDirectiveNoFileComp
}

// complete offers the services, and behind one whatever the shell has: a payload may be a file.
func (c *call) complete(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return c.where.completeService(cmd, args, toComplete)
}

// offered is the services that no argument names yet, with a suffix. A shell must not wait for a fleet, so they are those of the file.
func offered(at where, args []string, suffix string) (offers []string) {
	file, err := config.Load(at.path())
	if err != nil {
		return nil
	}
	for _, svc := range file.Spec.Services {
		offer := svc.Name + suffix
		if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, offer) }) {
			offers = append(offers, offer)
		}
	}
	return offers
}
