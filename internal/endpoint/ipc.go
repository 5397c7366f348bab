package endpoint

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxPath is how many bytes of a path fit a unix(7) socket address; one is for the zero at its end.
const maxPath = len(unix.RawSockaddrUnix{}.Path) - 1

func parseIPC(s, path string) (Endpoint, error) {
	switch {
	case path == "":
		return Endpoint{}, fmt.Errorf("endpoint %q has no path: write ipc:///run/NAME.sock, or ipc://* for any free one", s)
	case path == "@":
		return Endpoint{}, fmt.Errorf("endpoint %q: an abstract socket needs a name: write ipc://@NAME", s)
	case strings.ContainsRune(path, 0):
		return Endpoint{}, fmt.Errorf("endpoint %q: a path cannot hold a zero byte", s)
	case strings.HasSuffix(path, "/"):
		return Endpoint{}, fmt.Errorf("endpoint %q names a folder: write ipc://%sNAME.sock", s, path)
	case len(path) > maxPath:
		return Endpoint{}, fmt.Errorf("endpoint %q: the path has %d bytes, a unix socket's has at most %d: choose a shorter one",
			s, len(path), maxPath)
	}
	return Endpoint{Transport: IPC, Path: path}, nil
}

// In is the endpoint with a relative ipc path resolved against a folder, so that it means the same to processes that run elsewhere. All
// other endpoints are returned as they are. The error is Parse's: the path has become too long.
func (e Endpoint) In(folder string) (Endpoint, error) {
	if e.Transport != IPC || e.Path == "*" || e.Abstract() || filepath.IsAbs(e.Path) {
		return e, nil
	}
	return Parse("ipc://" + filepath.Join(folder, e.Path))
}

// Abstract says whether the endpoint is a name in the kernel's abstract namespace instead of a file.
func (e Endpoint) Abstract() bool { return strings.HasPrefix(e.Path, "@") }
