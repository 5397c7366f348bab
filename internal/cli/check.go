package cli

import (
	"github.com/spf13/cobra"
)

func newCheckCommand(ui *tui) *cobra.Command {
	var w where
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say whether a fleet file is good",
		Long: `Say whether a fleet file is good: read it as zfleet up does, plugins and commands included, and tell everything
that is wrong with it, with file, line and column. Nothing is started.`,
		Example:           "  zfleet check\n  zfleet check /srv/hello/fleet.toml",
		Args:              atMost(1, "fleet file"),
		ValidArgsFunction: tomlFiles,
	}
	cmd.Flags().StringVarP(&w.file, "file", "f", "", "the fleet's `FILE` (default ./fleet.toml)")
	_ = cmd.MarkFlagFilename("file", "toml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := w.load(cmd, args)
		if err != nil {
			return err
		}
		workers := 0
		for _, svc := range file.Spec.Services {
			workers += svc.Workers.Count
		}
		ui.printf("%s is good: %s, %s\n", w.path(), count(len(file.Spec.Services), "service"), count(workers, "worker"))
		return nil
	}
	return cmd
}
