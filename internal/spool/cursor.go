package spool

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

// mostLine is the longest line that a reader is given. Longer ones are left out: nobody here writes any.
const mostLine = 1 << 20

// Cursor reads the lines of a file forwards, and over its turns while it is written. It is for one goroutine.
type Cursor struct {
	path    string
	files   []*os.File // that are not read to their end, oldest first
	full    bool       // the first is: another file has got its name
	in      *bufio.Reader
	read    int64 // of the first
	partial []byte
	skips   bool // the rest of a line that is too long
}

// From makes a cursor at the first line of the newest that want takes: it is asked about each, the newest first, until it says no, or none
// is left. A nil want takes all. A file that is not there, yet, has no lines.
func From(path string, want func(line []byte) bool) (*Cursor, error) {
	files, err := openAll(path)
	if err != nil {
		return nil, err
	}
	c := &Cursor{path: path, files: files}
	if want == nil {
		return c, c.begin(0)
	}
	for i := len(files) - 1; i >= 0; i-- {
		at, more, err := back(files[i], want)
		if err != nil {
			c.Close()
			return nil, err
		}
		if !more || i == 0 {
			c.drop(i)
			return c, c.begin(at)
		}
	}
	return c, nil
}

// drop leaves the n oldest files out.
func (c *Cursor) drop(n int) {
	closeAll(c.files[:n])
	c.files = c.files[n:]
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // it was only read
	}
}

// begin begins the first file, if there is one.
func (c *Cursor) begin(at int64) error {
	c.full, c.partial, c.skips, c.read = false, nil, false, at
	if len(c.files) == 0 {
		c.in = nil
		return nil
	}
	_, err := c.files[0].Seek(at, io.SeekStart)
	c.in = bufio.NewReaderSize(c.files[0], 64<<10)
	return err
}

// Close closes what is open.
func (c *Cursor) Close() {
	closeAll(c.files)
	c.files = nil
}

// Next is the next whole line, without its newline; it is valid until the next call. io.EOF: there is none now, which may change.
func (c *Cursor) Next() ([]byte, error) {
	for {
		line, err := c.line()
		if err == nil && line == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			return line, err
		}
		more, err := c.goOn()
		if err != nil {
			return nil, err
		}
		if !more {
			return nil, io.EOF
		}
	}
}

// line reads one of the first file; nil for one that is too long.
func (c *Cursor) line() ([]byte, error) {
	if c.in == nil {
		return nil, io.EOF
	}
	piece, err := c.in.ReadSlice('\n')
	c.read += int64(len(piece))
	if !c.skips {
		c.partial = append(c.partial, piece...)
	}
	c.skips = c.skips || len(c.partial) > mostLine
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, nil
	case err != nil:
		return nil, err
	case c.skips:
		c.partial, c.skips = c.partial[:0], false
		return nil, nil
	}
	line := bytes.TrimSuffix(c.partial, newline)
	c.partial = c.partial[:0]
	return line, nil
}

// goOn says whether there may be more after the end of the first file: in the next one, or because it was given up and begun again. A file
// whose name another one has is read once more to its end before it is left: its last lines may have come in between.
func (c *Cursor) goOn() (bool, error) {
	switch {
	case len(c.files) > 1 || c.full:
		c.drop(min(1, len(c.files)))
		if len(c.files) > 0 {
			return true, c.begin(0)
		}
		fallthrough
	case len(c.files) == 0:
		files, err := openAll(c.path)
		c.files = files
		return len(files) > 0, errors.Join(err, c.begin(0))
	}
	return c.turned()
}

func (c *Cursor) turned() (bool, error) {
	mine, err := c.files[0].Stat()
	if err != nil {
		return false, err
	}
	if mine.Size() < c.read {
		return true, c.begin(0)
	}
	now, err := os.Stat(c.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && os.SameFile(mine, now) {
		return false, nil // or it is being turned over
	}
	if err != nil {
		return false, err
	}
	return c.follow()
}

// follow finds the files that came after the one that is read. If that is gone already, all that there are did.
func (c *Cursor) follow() (bool, error) {
	files, err := openAll(c.path)
	if err != nil {
		return false, err
	}
	at := find(files, c.files[0])
	closeAll(files[:at+1])
	c.files = append(c.files, files[at+1:]...)
	c.full = at+1 < len(files)
	return c.full, nil
}
