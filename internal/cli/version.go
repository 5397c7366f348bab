package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// released is set by a release build: -ldflags "-X github.com/zfleet/zfleet/internal/cli.released=v1.2.3".
var released string

// build is what `zfleet version -o json` prints.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Time    string `json:"time,omitempty"`
	Dirty   bool   `json:"dirty,omitempty"` // built from a tree with changes that are not committed
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newVersionCommand(ui *tui) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print which zfleet this is",
		Args:  atMost(0, ""),
	}
	out := newOutput(cmd, "text")
	cmd.Run = func(*cobra.Command, []string) {
		b := buildOf(buildInfo())
		if out.json() {
			ui.printf("%s", indented(b))
			return
		}
		ui.printf("%s\n", b)
	}
	return cmd
}

// version is the build's name: what was released, or what the go command knew of the source.
func version() string { return buildOf(buildInfo()).Version }

func buildInfo() *debug.BuildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return &debug.BuildInfo{}
	}
	return info
}

func buildOf(info *debug.BuildInfo) build {
	b := build{Version: released, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	text := "zfleet " + b.Version
	if b.Commit != "" {
		text += ", commit " + b.Commit[:min(12, len(b.Commit))]
	}
	if b.Dirty {
		text += " with changes"
	}
	return text + ", " + b.Go + " " + b.OS + "/" + b.Arch
}
