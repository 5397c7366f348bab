package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// RunDir is the folder for what lives as long as the fleet of that name runs: $XDG_RUNTIME_DIR/zfleet/NAME; else, in a service that has
// RuntimeDirectory=, that folder if it has the fleet's name, or NAME below it; else /run/zfleet/NAME for root, else zfleet-UID/NAME in the
// temp folder.
func RunDir(fleet string) string { return inBase(runBase(), fleet) }

// The XDG base directory specification has a path that is not absolute ignored.
func runBase() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "zfleet")
	}
	if dir := serviceFolder("RUNTIME_DIRECTORY"); dir != "" {
		return dir
	}
	if os.Getuid() == 0 {
		return rootRunBase
	}
	return filepath.Join(os.TempDir(), "zfleet-"+strconv.Itoa(os.Getuid()))
}

const rootRunBase = "/run/zfleet"

// serviceFolder is the first of the folders that a service manager made for this service, "" if none: systemd.exec(5), RuntimeDirectory=.
func serviceFolder(variable string) string {
	dir, _, _ := strings.Cut(os.Getenv(variable), ":")
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Clean(dir)
}

// inBase takes a service's folder for the fleet's own if it has its name: the unit of one fleet says RuntimeDirectory=zfleet/NAME.
func inBase(base, fleet string) string {
	isServices := base == serviceFolder("RUNTIME_DIRECTORY") || base == serviceFolder("STATE_DIRECTORY")
	if isServices && filepath.Base(base) == fleet {
		return base
	}
	return filepath.Join(base, fleet)
}

// StateDir is the folder for what outlives the fleet of that name, and the machine's next start: $XDG_STATE_HOME/zfleet/NAME; else, in a
// service that has StateDirectory=, that folder if it has the fleet's name, or NAME below it; else /var/lib/zfleet/NAME for root, else
// ~/.local/state/zfleet/NAME. A fleet file may name another.
func StateDir(fleet string) string { return inBase(stateBase(), fleet) }

func stateBase() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "zfleet")
	}
	if dir := serviceFolder("STATE_DIRECTORY"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	switch {
	case os.Getuid() == 0:
		return "/var/lib/zfleet"
	case err == nil && filepath.IsAbs(home):
		return filepath.Join(home, ".local/state/zfleet")
	}
	return filepath.Join(os.TempDir(), "zfleet-"+strconv.Itoa(os.Getuid()), "state")
}

// MakeRunDir makes the run folder, private to this user, and returns its path.
func MakeRunDir(fleet string) (string, error) {
	for _, dir := range slices.Compact([]string{runBase(), RunDir(fleet)}) {
		if err := makePrivate(dir); err != nil {
			return "", fmt.Errorf("cannot make run folder %s: %w", dir, err)
		}
	}
	return RunDir(fleet), nil
}

// MakeStateDir makes a state folder, private to this user: what is kept there holds the bodies of requests and what workers printed. The
// folders above it are made as the user's umask says.
func MakeStateDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return fmt.Errorf("cannot make state folder %s: %w: name another with state_dir in the fleet file", dir, reason(err))
	}
	if err := makePrivate(dir); err != nil {
		return fmt.Errorf("cannot make state folder %s: %w: name another with state_dir in the fleet file", dir, err)
	}
	return nil
}

// The temp folder is everybody's: a folder or a link that another user put there first must not be used.
func makePrivate(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return reason(err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return errors.New("it exists and is not a folder")
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d", st.Uid)
	case st.Mode&0o077 != 0:
		return os.Chmod(dir, 0o700)
	}
	return nil
}
