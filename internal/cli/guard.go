package cli

import (
	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/supervisor/launch"
)

// newGuardCommand makes the hidden command that the launcher starts beside itself: it ends what a killed supervisor leaves behind.
func newGuardCommand(ui *tui) *cobra.Command {
	return &cobra.Command{
		Use:    "guard",
		Short:  "End what a killed supervisor leaves behind (started by zfleet up)",
		Hidden: true,
		Args:   atMost(0, ""),
		RunE:   func(*cobra.Command, []string) error { return launch.Guard(ui.in) },
	}
}
