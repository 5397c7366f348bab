package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// maxLog is how large a log file grows before it is turned over. One old file is kept, PATH.1.
const maxLog = 16 << 20

// logFile is a file that cannot fill a disk. One goroutine writes to it.
type logFile struct {
	path string
	file *os.File
	size int64
	max  int64
}

func openLogFile(path string) (*logFile, error) {
	l := &logFile{path: path, max: maxLog}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("cannot write the log to %s: %w", path, reason(err))
	}
	return l, nil
}

// reason is an error without the path, which the message has already.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (l *logFile) open() error {
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	l.file, l.size = file, info.Size()
	return nil
}

func (l *logFile) Write(line []byte) (int, error) {
	if l.size > 0 && l.size+int64(len(line)) > l.max {
		l.turnOver()
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return n, err
}

// turnOver starts a new file. Where it cannot, the old one is better than none.
func (l *logFile) turnOver() {
	old := l.file
	if os.Rename(l.path, l.path+".1") != nil || l.open() != nil {
		return
	}
	_ = old.Close()
}

// Close closes the file.
func (l *logFile) Close() error { return l.file.Close() }
