package launch

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// Each mistake has its own sentence. The programs are started for real, since it is the kernel's errors that are explained.
func TestWhyAStartFailed(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	write := func(name string, mode os.FileMode, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	data := write("data", 0o644, nil)
	foreign, machine := foreignProgram()
	for program, want := range map[string]string{
		"/nowhere/worker":                       "cannot start /nowhere/worker: there is no such file",
		"nowhere/worker":                        "cannot start " + dir + "/nowhere/worker: there is no such file",
		data + "/worker":                        "there is no such file",
		"no-such-program":                       "cannot start no-such-program: there is no program of that name in PATH, which is " + os.Getenv("PATH"),
		data:                                    "it is not executable (mode -rw-r--r--, owner " + me.Username + "): chmod +x " + data,
		dir:                                     "it is a folder",
		write("text", 0o755, []byte("print 1")): "it is neither a program for this machine nor a script that begins with #!",
		write("far", 0o755, foreign):            "it is built for " + machine + ", this machine is " + runtime.GOARCH,
		write("py", 0o755, []byte("#!/no/python -u")): "its first line names an interpreter that does not exist: /no/python",
		write("sh", 0o755, []byte("#!"+data+"\n")):    "its first line names an interpreter that may not be executed: " + data,
	} {
		t.Run(filepath.Base(program), func(t *testing.T) {
			r := newRig(t, fleet.Workers{Command: []string{program}})
			r.svc.Workers.Dir = dir
			name, _ := r.launch(0, 1)
			if exit := r.exit(name); !strings.HasSuffix(exit.Reason, want) || !exit.Permanent || exit.Code != -1 {
				t.Errorf("exit: %+v\nwant: %s", exit, want)
			}
			r.svc.Workers.Plugin, r.svc.Workers.Command = program, nil
			name, _ = r.launch(1, 1)
			if exit := r.exit(name); !strings.HasSuffix(exit.Reason, want) || !exit.Permanent {
				t.Errorf("as a plugin: %+v\nwant: %s", exit, want)
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		r := newRig(t, fleet.Workers{Command: []string{"true"}, Dir: "/nowhere"})
		name, _ := r.launch(0, 1)
		if exit := r.exit(name); !strings.HasSuffix(exit.Reason, "/true: there is no folder /nowhere to run it in") {
			t.Errorf("exit: %+v", exit)
		}
	})
}

// foreignProgram is the beginning of a program for another architecture than this machine's, and that one's name.
func foreignProgram() ([]byte, string) {
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_AARCH64), Version: 1, Ehsize: 64}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	name := "arm64"
	if runtime.GOARCH == "arm64" {
		header.Machine, name = uint16(elf.EM_X86_64), "amd64"
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, header); err != nil {
		panic(err)
	}
	return b.Bytes(), name
}

func TestHowAProcessEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.Workers{})
	n := 0
	for script, want := range map[string]fleet.Exit{
		"exit 0":                                 {Code: 0, Reason: "exited with status 0"},
		"exit 3":                                 {Code: 3, Reason: "exited with status 3"},
		"kill -KILL $$":                          {Code: -1, Signal: "SIGKILL", Reason: "killed by SIGKILL"},
		"kill -TERM $$":                          {Code: -1, Signal: "SIGTERM", Reason: "killed by SIGTERM"},
		"kill -40 $$":                            {Code: -1, Signal: "signal 40", Reason: "killed by signal 40"},
		"echo one; printf two; printf three >&2": {Code: 0, Reason: "exited with status 0"},
	} {
		n++
		r.svc.Workers.Command = []string{"sh", "-c", script}
		name, _ := r.launch(0, n)
		exit := r.exit(name)
		lines := strings.Join(exit.LastLines, " ")
		exit.LastLines = nil
		if got := fmt.Sprintf("%+v", exit); got != fmt.Sprintf("%+v", want) {
			t.Errorf("%s: got %s, want %+v", script, got, want)
		}
		if strings.HasPrefix(script, "echo") && len(lines) != len("one two three") { // in any order: these are two streams
			t.Errorf("last lines: %s", lines)
		}
	}
}
