package dead

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Sweep removes the letters of services that there are not any more, where the last was written before then, and says of which.
func Sweep(stateDir string, isThere func(service string) bool, before time.Time) (removed []string, err error) {
	files, err := fs.Glob(os.DirFS(stateDir), Path("", "*"))
	for _, name := range files {
		service := strings.TrimSuffix(name, filepath.Ext(name))
		info, statErr := os.Stat(filepath.Join(stateDir, name))
		if statErr != nil || isThere(service) || !info.ModTime().Before(before) {
			continue
		}
		err = errors.Join(err, os.Remove(filepath.Join(stateDir, name)))
		removed = append(removed, service)
	}
	return removed, err
}
