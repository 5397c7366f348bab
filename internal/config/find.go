package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is the Lookup that looks at this machine.
type Machine struct {
	Bin  string // the folder of the zfleet executable
	Path string // zfleet's PATH
}

// Plugin looks beside the file, in the file's plugin_dir, beside zfleet itself and on PATH, in this order.
func (m Machine) Plugin(name, folder, pluginDir string) (string, error) {
	if strings.Contains(name, "/") {
		return named("plugin", name, folder)
	}
	folders := append([]string{folder, pluginDir, m.Bin}, filepath.SplitList(m.Path)...)
	path, found := search(name, folders)
	switch {
	case found:
		return path, nil
	case path != "":
		return "", notExecutable("plugin", name, path)
	}
	return "", fmt.Errorf("cannot find plugin %q: looked beside the file (%s), in plugin_dir (%s), beside zfleet (%s) and on PATH: "+
		"build it, or write its path", name, folder, pluginDir, m.Bin)
}

// Command looks where a shell would.
func (m Machine) Command(name, dir, path string) (string, error) {
	if strings.Contains(name, "/") {
		return named("command", name, dir)
	}
	if path == "" {
		path = m.Path
	}
	program, found := search(name, filepath.SplitList(path))
	switch {
	case found:
		return program, nil
	case program != "":
		return "", notExecutable("command", name, program)
	case isFile(filepath.Join(dir, name)):
		return "", fmt.Errorf("cannot find command %q on PATH, but in %s: write \"./%s\"", name, dir, name)
	}
	return "", fmt.Errorf("cannot find command %q on PATH: install it, or write its path", name)
}

// Dir checks that a folder exists and can be entered.
func (m Machine) Dir(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no folder %s: make it, or name another one", path)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", path)
	case unix.Access(path, unix.X_OK) != nil:
		return fmt.Errorf("the folder %s may not be entered: chmod +x it, or name another one", path)
	}
	return nil
}

// named checks a program that is named by its path.
func named(kind, name, folder string) (string, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("cannot find %s %q: there is no file %s", kind, name, path)
	case err != nil:
		return "", fmt.Errorf("cannot find %s %q: %w", kind, name, err)
	case info.IsDir():
		return "", fmt.Errorf("cannot run %s %q: %s is a folder", kind, name, path)
	case !isExecutable(path):
		return "", notExecutable(kind, name, path)
	}
	return path, nil
}

// search finds a program in the first of some folders that has it, or else a file of that name that is not executable.
func search(name string, folders []string) (path string, found bool) {
	for _, folder := range folders {
		candidate := filepath.Join(folder, name)
		switch {
		case !filepath.IsAbs(candidate) || !isFile(candidate): // as os/exec, nothing is run because of where zfleet was started
		case isExecutable(candidate):
			return candidate, true
		case path == "":
			path = candidate
		}
	}
	return path, false
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// isExecutable asks the kernel, which also knows of users, mount options and access lists. Root may run what anybody may.
func isExecutable(path string) bool {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) == nil
}

func notExecutable(kind, name, path string) error {
	return fmt.Errorf("cannot run %s %q: %s is not executable: chmod +x %s", kind, name, path, path)
}
