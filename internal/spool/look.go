package spool

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// openAll opens a file and those before it, the oldest first. It goes from the newest to the oldest, and shift from the oldest to the newest:
// so while the file is turned over none is missed, though one may be met again, and where it is just now there is a gap.
func openAll(path string) (files []*os.File, err error) {
	for n, gap := 0, 0; gap <= mostGap; n++ {
		f, err := os.Open(numbered(path, n))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			gap++
		case err != nil:
			closeAll(files)
			return nil, err
		case find(files, f) >= 0:
			_ = f.Close()
		default:
			gap, files = 0, append(files, f)
		}
	}
	slices.Reverse(files)
	return files, nil
}

// mostGap is how many numbers in a row may be missing before there are no more.
const mostGap = 2

// find is where a file is among others, or -1.
func find(files []*os.File, f *os.File) int {
	mine, err := f.Stat()
	if err != nil {
		return -1
	}
	return slices.IndexFunc(files, func(other *os.File) bool {
		info, err := other.Stat()
		return err == nil && os.SameFile(mine, info)
	})
}

// block is how much is read at a time on the way back.
const block = 64 << 10

// back asks about every whole line of a file, the last first, until want says no. At is where the first that it took begins.
func back(f *os.File, want func(line []byte) bool) (at int64, more bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, false, err
	}
	at = info.Size()
	var rest []byte // of a line that begins before what was read
	whole := false  // rest ends with a line's end
	for start := at; start > 0; {
		n := min(start, block)
		start -= n
		buf := make([]byte, n, int(n)+len(rest))
		if _, err := f.ReadAt(buf, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, false, err
		}
		buf = append(buf, rest...)
		for {
			end := bytes.LastIndexByte(buf, '\n')
			if end < 0 {
				break
			}
			if whole && !want(buf[end+1:]) {
				return at, false, nil
			}
			at, whole, buf = start+int64(end)+1, true, buf[:end]
		}
		rest = buf
	}
	if whole && !want(rest) {
		return at, false, nil
	}
	return 0, true, nil
}
