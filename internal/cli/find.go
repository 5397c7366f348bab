package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zfleet/zfleet/internal/admin"
	"github.com/zfleet/zfleet/internal/config"
)

const defaultFile = "fleet.toml"

// where says which fleet a command is about.
type where struct{ file, socket string }

func (w *where) flags(cmd *cobra.Command) {
	w.flagsWith(cmd, "f")
}

// longFlags are for commands whose -f is --follow, as everywhere.
func (w *where) longFlags(cmd *cobra.Command) { w.flagsWith(cmd, "") }

func (w *where) flagsWith(cmd *cobra.Command, short string) {
	cmd.Flags().StringVarP(&w.file, "file", short, "", "the fleet's `FILE` (default ./fleet.toml)")
	cmd.Flags().StringVar(&w.socket, "socket", "", "`PATH` of the fleet's admin socket, instead of the one that belongs to its file")
	_ = cmd.MarkFlagFilename("file", "toml") // it can only fail for a flag that is not there
	_ = cmd.MarkFlagFilename("socket", "sock")
}

// client finds the fleet: by --socket, by its file, or because only one runs.
func (w *where) client(ctx context.Context, ui *tui) (*admin.Client, error) {
	client, err := w.find(ctx, ui)
	if err == nil {
		client.OnVersion = ui.compareVersions()
	}
	return client, err
}

func (w *where) find(ctx context.Context, ui *tui) (*admin.Client, error) {
	switch {
	case w.socket != "":
		return admin.NewClient(w.socket), nil
	case w.file != "" || exists(defaultFile):
		return byFile(ctx, ui, w.path())
	}
	return onlyOne(ctx, ui)
}

func (w *where) path() string {
	if w.file == "" {
		return defaultFile
	}
	return w.file
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// byFile finds the fleet that the file declares: at the socket that the file names, or where a fleet of its name is. A file that has become
// bad since must not keep its fleet from being asked or ended.
func byFile(ctx context.Context, ui *tui, path string) (*admin.Client, error) {
	file, err := config.Load(path)
	if err != nil {
		return startedWith(ctx, ui, path, err)
	}
	client := admin.Find(file.Spec.Name)
	if file.Admin.Socket != "" {
		client = admin.NewClient(file.Admin.Socket)
		client.Fleet = file.Spec.Name
	}
	client.File = path
	return client, nil
}

func startedWith(ctx context.Context, ui *tui, path string, bad error) (*admin.Client, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, bad
	}
	running := admin.Running(ctx)
	at := slices.IndexFunc(running, func(f admin.Found) bool { return f.File == path })
	if at < 0 {
		return nil, bad
	}
	ui.notef("%s cannot be used any more (zfleet check says why): this is about the fleet that was started with it, %s",
		path, running[at].Fleet)
	return running[at].Client, nil
}

// onlyOne is for a folder without a fleet file.
func onlyOne(ctx context.Context, ui *tui) (*admin.Client, error) {
	running := admin.Running(ctx)
	switch len(running) {
	case 0:
		return nil, &nothingHere{}
	case 1:
		ui.notef("no %s here: this is about the one fleet that runs, %s", defaultFile, running[0].Fleet)
		return running[0].Client, nil
	}
	var names []string
	for _, found := range running {
		names = append(names, found.Fleet)
	}
	return nil, &usageError{
		fmt.Sprintf("no %s here, and several fleets run: %s", defaultFile, strings.Join(names, ", ")),
		"say which with -f FILE, or with --socket " + running[0].Client.Socket(),
	}
}

type nothingHere struct{}

func (*nothingHere) Error() string { return "no " + defaultFile + " here, and no fleet is running" }

func (*nothingHere) Hint() string { return "zfleet up FILE" }

func (*nothingHere) exitCode() int { return exitNoFleet }

// load reads the file that the command is given. The commonest mistake, the wrong folder, has a sentence of its own.
func (w *where) load(cmd *cobra.Command, args []string) (config.File, error) {
	if err := w.argument(cmd, args); err != nil {
		return config.File{}, err
	}
	if w.file == "" && !exists(defaultFile) {
		return config.File{}, &missingFile{cmd.CommandPath() + " FILE"}
	}
	return config.Load(w.path())
}

// argument takes the file as an argument too: zfleet up FILE.
func (w *where) argument(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case w.file != "" && filepath.Clean(w.file) != filepath.Clean(args[0]):
		return usagef(cmd, "there are two fleet files, %s and %s", w.file, args[0])
	}
	w.file = args[0]
	return nil
}

type missingFile struct{ hint string }

func (*missingFile) Error() string { return "there is no " + defaultFile + " in this folder" }

func (e *missingFile) Hint() string { return e.hint }

// compareVersions warns, once, when the fleet was started by another zfleet than this one.
func (ui *tui) compareVersions() func(string) {
	told := false
	return func(daemon string) {
		if told || daemon == version() {
			return
		}
		told = true
		ui.notef("this zfleet is %s, the fleet was started by %s", version(), daemon)
	}
}
