package launch

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// findProgram finds what to execute, as execvp(3) does: a name without a slash in the folders of path, any other in dir. Relative folders
// in path are left out, as package os/exec does. A name that is not found is fs.ErrNotExist.
func findProgram(name, dir, path string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return filepath.Abs(name)
	}
	for _, folder := range filepath.SplitList(path) {
		file := filepath.Join(folder, name)
		if st, err := os.Stat(file); err == nil && filepath.IsAbs(file) && !st.IsDir() && st.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("there is no program of that name in PATH, which is %s%w", path, noWords{fs.ErrNotExist})
}

// noWords is an error that adds nothing to the message that it is wrapped in.
type noWords struct{ error }

func (noWords) Error() string   { return "" }
func (e noWords) Unwrap() error { return e.error }

// notStarted is the end of a life that never had a process.
func notStarted(program, dir string, err error) fleet.Exit {
	return fleet.Exit{Code: -1, Reason: fmt.Sprintf("cannot start %s: %s", program, whyNot(program, dir, err)), Permanent: permanent(err)}
}

// permanent says whether trying again cannot help: the file is not there, or may not or cannot be executed.
func permanent(err error) bool {
	for _, e := range []error{unix.ENOENT, unix.ENOTDIR, unix.EACCES, unix.ENOEXEC} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.Is(err, fs.ErrNotExist)
}

// whyNot says why a program could not be executed in a folder. The kernel's word alone says too little: ENOENT can be the program, its
// folder, or the interpreter in its first line.
func whyNot(program, dir string, err error) string {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return whyMissing(program, dir, err)
	case errors.Is(err, unix.EACCES):
		return whyDenied(program, dir)
	case errors.Is(err, unix.ENOEXEC):
		return whyNoProgram(program)
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return "too many open files: raise the limit (ulimit -n)"
	case errors.Is(err, unix.EAGAIN):
		return "too many processes: raise the limit (ulimit -u, or the pids limit of the container)"
	case errors.Is(err, unix.ETXTBSY):
		return "the file is being written"
	}
	return err.Error()
}

func whyMissing(program, dir string, err error) string {
	if dir != "" && !isFolder(dir) {
		return fmt.Sprintf("there is no folder %s to run it in", dir)
	}
	if _, statErr := os.Stat(program); statErr != nil {
		if !filepath.IsAbs(program) {
			return err.Error() // findProgram has said it
		}
		return "there is no such file"
	}
	if interpreter := interpreterOf(program); interpreter != "" {
		return fmt.Sprintf("its first line names an interpreter that does not exist: %s", interpreter)
	}
	return "the file is there, but not the dynamic loader that it was linked for"
}

func whyDenied(program, dir string) string {
	st, err := os.Stat(program)
	switch {
	case dir != "" && unix.Access(dir, unix.X_OK) != nil:
		return fmt.Sprintf("permission denied to enter the folder %s", dir)
	case err != nil:
		return "permission denied to enter the folder that it is in"
	case st.IsDir():
		return "it is a folder"
	case st.Mode()&0o111 == 0:
		return fmt.Sprintf("it is not executable (%s): chmod +x %s", access(st), program)
	case unix.Access(program, unix.X_OK) != nil:
		return fmt.Sprintf("this user (uid %d) may not execute it (%s)", os.Getuid(), access(st))
	case interpreterOf(program) != "":
		return fmt.Sprintf("its first line names an interpreter that may not be executed: %s", interpreterOf(program))
	}
	return "permission denied, though its mode allows it: is the file system mounted noexec?"
}

// access is a file's mode and owner.
func access(st fs.FileInfo) string {
	owner := "unknown"
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		owner = strconv.FormatUint(uint64(sys.Uid), 10)
		if u, err := user.LookupId(owner); err == nil {
			owner = u.Username
		}
	}
	return fmt.Sprintf("mode %s, owner %s", st.Mode(), owner)
}

func whyNoProgram(program string) string {
	f, err := elf.Open(program)
	if err != nil {
		return "it is neither a program for this machine nor a script that begins with #!"
	}
	defer func() { _ = f.Close() }()
	return fmt.Sprintf("it is built for %s, this machine is %s", architecture(f.Machine), runtime.GOARCH)
}

func architecture(m elf.Machine) string {
	switch m {
	case elf.EM_X86_64:
		return "amd64"
	case elf.EM_AARCH64:
		return "arm64"
	default:
		return strings.ToLower(strings.TrimPrefix(m.String(), "EM_"))
	}
}

// interpreterOf is what a script's first line names, "" if it is no script.
func interpreterOf(program string) string {
	f, err := os.Open(program)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	line, _ := bufio.NewReaderSize(f, 256).ReadSlice('\n') // the kernel reads no more either: execve(2)
	words := strings.Fields(strings.TrimPrefix(string(line), "#!"))
	if !strings.HasPrefix(string(line), "#!") || len(words) == 0 {
		return ""
	}
	return plain([]byte(words[0]))
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
