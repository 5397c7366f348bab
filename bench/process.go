package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is a program that was started for a trial, the leader of a group of its own.
type process struct {
	cmd    *exec.Cmd
	stderr string        // the file
	lines  chan string   // of its standard output
	ended  chan struct{} // closed at its end
	err    error         // of Wait, when it has ended
}

// launch starts a program. It is called on the main thread alone, see main.
func launch(argv []string, dir string) (*process, error) {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), lines: make(chan string, 16), ended: make(chan struct{})}
	p.cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	stderr, err := os.CreateTemp(dir, filepath.Base(argv[0])+"-*.err")
	if err != nil {
		return p.stillborn(err)
	}
	defer func() { _ = stderr.Close() }() // the child has its own
	p.stderr = stderr.Name()
	p.cmd.Stderr = stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return p.stillborn(fmt.Errorf("cannot start %s: %w", argv[0], err))
	}
	go p.follow(out)
	return p, nil
}

// stillborn is a process that never was.
func (p *process) stillborn(err error) (*process, error) {
	p.err = err
	close(p.ended)
	return p, err
}

// follow reads the process's lines and waits for its end. Lines that nobody takes are few: a program prints two.
func (p *process) follow(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		select {
		case p.lines <- lines.Text():
		default:
		}
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

// says waits for a line that the process prints.
func (p *process) says(ctx context.Context, want string) error {
	for {
		select {
		case line := <-p.lines:
			if line == want {
				return nil
			}
		case <-p.ended:
			return p.failure()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// figures waits for the process's end and reads the key=value pairs of its last line.
func (p *process) figures(ctx context.Context) (figures, error) {
	select {
	case <-p.ended:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p.err != nil {
		return nil, p.failure()
	}
	var last string
	for {
		select {
		case last = <-p.lines:
			continue
		default:
		}
		break
	}
	return parseFigures(last)
}

func parseFigures(line string) (figures, error) {
	f := figures{}
	for _, pair := range strings.Fields(line) {
		name, text, _ := strings.Cut(pair, "=")
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot read the figures in %q", line)
		}
		f[name] = value
	}
	if len(f) == 0 {
		return nil, errors.New("it printed no figures")
	}
	return f, nil
}

// failure is why the process ended, with the end of what it wrote to standard error.
func (p *process) failure() error {
	text, _ := os.ReadFile(p.stderr) // what cannot be read is not said
	said := strings.TrimSpace(string(text[max(0, len(text)-1000):]))
	if p.err == nil {
		return fmt.Errorf("%s ended too early: %s", filepath.Base(p.cmd.Path), said)
	}
	return fmt.Errorf("%s: %w: %s", filepath.Base(p.cmd.Path), p.err, said)
}

// kill is kill -9 to all of the process's group; it returns when the process is gone.
func (p *process) kill() {
	select {
	case <-p.ended: // its number may be another process's by now
	default:
		_ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL)
		<-p.ended
	}
}

// cpu is the time that the process and its descendants have used.
func (p *process) cpu() (used time.Duration) {
	pids := []int{p.cmd.Process.Pid}
	for i := 0; i < len(pids); i++ {
		used += cpuOf(pids[i])
		pids = append(pids, children(pids[i])...)
	}
	return used
}

// tick is the unit of /proc's times: USER_HZ, which is 100 on every Linux that Go runs on.
const tick = time.Second / 100

// cpuOf reads utime and stime (proc_pid_stat(5)): the 12th and the 13th field after the name, which may hold spaces itself.
func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // gone
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * tick
}

func children(pid int) (pids []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
