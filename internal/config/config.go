// Package config turns a fleet.toml into a fleet.Spec, or into complaints that each name file, line, column and the mend. Load reads a
// file and asks the machine where its programs are; Parse is pure. All keys with their defaults are in docs/fleet-toml.md. Listening,
// starting and everything else that is done with a fleet is left to others.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// maxFile is far above what a fleet.toml needs, and keeps a wrong path (/dev/zero) from filling the memory.
const maxFile = 1 << 20

// File is what one fleet.toml says, with every default filled in.
type File struct {
	Folder string // absolute: relative paths in the file start here
	State  string // absolute path of the folder for what outlives the fleet; "": admin.StateDir of its name
	Spec   fleet.Spec
	Log    Log
	Admin  Admin
}

// Log is how `zfleet up` writes its log, and what it keeps of what workers print.
type Log struct {
	Level  string // trace, debug, info, warn, error
	Format string // auto (console on a terminal, else json), console, json

	Workers bool  // what workers and proxies print is in it too
	Keep    int64 // bytes of each worker's lines that are kept in files of their own; 0: nothing
	Files   int   // in which they are
	// KeepUnused is how long that is kept of workers that there are not any more, and dead letters of services; 0: for ever.
	KeepUnused time.Duration
}

// Admin is the fleet's admin API.
type Admin struct {
	Socket string // absolute path; "": where every command looks by itself
}

// Options is what Parse needs to know besides the file.
type Options struct {
	Folder string // absolute: the file's
	CPUs   int    // of this machine
	Lookup Lookup
}

// Lookup answers questions about the machine. Errors are complaints: they name the thing and the mend.
type Lookup interface {
	// Plugin finds a workerkit binary. A name with a slash is a path relative to folder. pluginDir is absolute.
	Plugin(name, folder, pluginDir string) (path string, err error)
	// Command finds the program of a command that runs in dir: a name with a slash is a path relative to dir, any other is on path, a
	// list of folders, or on zfleet's own PATH when path is "".
	Command(name, dir, path string) (string, error)
	// Dir checks that a folder exists.
	Dir(path string) error
}

// Load reads a fleet.toml and finds its programs. Its error is Complaints when the file can be read but not used.
func Load(path string) (File, error) {
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return File{}, fmt.Errorf("cannot read %s: %w", path, err)
	}
	data, err := read(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return File{}, fmt.Errorf("cannot read %s: there is no such file: write one, or name yours with -f FILE", path)
	case err != nil:
		return File{}, fmt.Errorf("cannot read %s: %w", path, err)
	}
	executable, err := os.Executable()
	if err != nil {
		return File{}, fmt.Errorf("cannot find zfleet's own folder: %w", err)
	}
	machine := Machine{Bin: filepath.Dir(executable), Path: os.Getenv("PATH")}
	return Parse(path, data, Options{Folder: folder, CPUs: runtime.NumCPU(), Lookup: machine})
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("it is a folder: write %s", filepath.Join(path, "fleet.toml"))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes: is it a fleet.toml?", maxFile)
	}
	return data, err
}

// Parse reads the text of a fleet.toml. file is its name, for complaints. The error is Complaints: all there are, in the file's order.
func Parse(file string, data []byte, opts Options) (File, error) {
	p := &parser{opts: opts, file: file}
	root, err := p.decode(data)
	if err != nil {
		return File{}, err
	}
	f := p.read(root)
	p.complainUnknown()
	if len(p.complaints) > 0 {
		return File{}, p.complaints.sorted()
	}
	return f, nil
}
