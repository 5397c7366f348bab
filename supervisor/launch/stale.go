package launch

import (
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stamp is a file as it was when a process was started from it.
type stamp struct {
	path  string
	inode uint64
	size  int64
	mtime time.Time
}

// stamps are those of the files on a command line: the program, and what is a file among its arguments, such as the script that an
// interpreter reads. Relative names start at dir.
func stamps(program string, args []string, dir string) (files []stamp) {
	for _, name := range append([]string{program}, args...) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if s, ok := stampOf(name); ok {
			files = append(files, s)
		}
	}
	return files
}

func stampOf(path string) (stamp, bool) {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return stamp{}, false
	}
	s := stamp{path: path, size: st.Size(), mtime: st.ModTime()}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s, true
}

// changed says whether one of the files is another now, or was written to. One that is not there is about to be replaced, and is looked at
// again.
func changed(files []stamp) bool {
	for _, was := range files {
		if now, ok := stampOf(was.path); ok && now != was {
			return true
		}
	}
	return false
}
