package spool

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// newest takes so many lines.
func newest(n int) func([]byte) bool {
	return func([]byte) bool { n--; return n >= 0 }
}

func TestFromTheNewest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	put(t, open(t, path, Limits{Size: 8, Files: 3}), "one\ntwo\nthree\nfour\n")
	for n, want := range []string{"", "four", "three|four", "two|three|four", "one|two|three|four", "one|two|three|four"} {
		c, err := From(path, newest(n))
		must(t, err)
		expect(t, []string{strings.Join(rest(t, c), "|")}, want)
		c.Close()
	}
	none, err := From(path+".none", newest(3))
	must(t, err)
	expect(t, rest(t, none))
}

// Wherever the lines end and whatever is torn, the newest are found, and what comes after is read on.
func TestBackAndForth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "zf")
		must(t, err)
		defer func() { _ = os.RemoveAll(dir) }()
		path := filepath.Join(dir, "a.log")
		length := rapid.OneOf(rapid.IntRange(0, 9), rapid.IntRange(block-3, block+3), rapid.Just(2*block))
		f := open(t, path, Limits{Size: 3 * block, Files: 4})
		var kept []string
		for i, n := range rapid.SliceOfN(length, 0, 8).Draw(rt, "lengths") {
			line := fmt.Sprint(i) + strings.Repeat("x", n)
			put(t, f, line+"\n")
			kept = append(kept, line)
		}
		torn := rapid.SampledFrom([]string{"", "torn"}).Draw(rt, "torn")
		must(t, f.put([]byte(torn)))
		there := bytes.Count([]byte(strings.Join(filesOf(path), "")), newline)
		kept = kept[len(kept)-there:]
		n := rapid.IntRange(0, 9).Draw(rt, "wanted")
		c, err := From(path, newest(n))
		must(t, err)
		defer c.Close()
		want := kept[max(0, len(kept)-n):]
		if got := rest(t, c); strings.Join(got, "|") != strings.Join(want, "|") {
			rt.Fatalf("got %.80q, want %.80q", got, want)
		}
		f.limits.Size = 1 << 30 // or the torn line would have no end
		put(t, f, " ended\nlast\n")
		if got := strings.Join(rest(t, c), "|"); got != torn+" ended|last" {
			rt.Fatalf("then %.80q", got)
		}
	})
}

// However often the file is turned over between two looks, no line is left out that is still there, and none comes twice.
func TestFollowOverTurns(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "zf")
		must(t, err)
		defer func() { _ = os.RemoveAll(dir) }()
		path := filepath.Join(dir, "a.log")
		const size, files = 40, 4 // ten lines of four bytes in each
		f := open(t, path, Limits{Size: size, Files: files})
		c, err := From(path, nil)
		must(t, err)
		defer c.Close()
		said, next := 0, 0
		for _, burst := range rapid.SliceOfN(rapid.IntRange(0, 60), 1, 8).Draw(rt, "bursts") {
			for range burst {
				put(t, f, fmt.Sprintf("%03d\n", said))
				said++
			}
			for _, line := range rest(t, c) {
				n, err := strconv.Atoi(line)
				must(t, err)
				gone := said - len(strings.Join(filesOf(path), ""))/4
				if n < next || n > next && next >= gone {
					rt.Fatalf("line %d, want %d; %d are gone", n, next, gone)
				}
				next = n + 1
			}
			if next != said {
				rt.Fatalf("at line %d, %d are there", next, said)
			}
		}
	})
}

// While the file is turned over there is a gap where a number is moved just now. Those behind it are found all the same.
func TestAGap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	put(t, open(t, path, Limits{Size: 5, Files: 5}), "1111\n2222\n3333\n4444\n")
	for _, move := range []struct{ from, to int }{{3, 4}, {2, 3}, {1, 2}, {0, 1}} {
		must(t, os.Rename(numbered(path, move.from), numbered(path, move.to)))
		expect(t, read(t, path), "1111", "2222", "3333", "4444")
	}
}

func TestFollowWhatIsRemovedOrGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	c, err := From(path, nil)
	must(t, err)
	defer c.Close()
	expect(t, rest(t, c))
	put(t, open(t, path, Limits{Size: 100, Files: 2}), "first\n")
	expect(t, rest(t, c), "first")
	must(t, os.Remove(path))
	expect(t, rest(t, c))
	put(t, open(t, path, Limits{Size: 100, Files: 2}), "second\n")
	expect(t, rest(t, c), "second")
	must(t, os.Truncate(path, 0))
	put(t, open(t, path, Limits{Size: 100, Files: 2}), "3\n")
	expect(t, rest(t, c), "3")
}

func TestALineThatIsTooLongIsLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	must(t, os.WriteFile(path, []byte("first\n"+strings.Repeat("x", mostLine+1)+"\nlast\n"), 0o600))
	expect(t, read(t, path), "first", "last")
}

// A reader finds every line while the writer turns the file over under its hands.
func TestReadWhileWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := New(Options{})
	w := s.Writer(path, Limits{Size: 2 << 10, Files: 50})
	c, err := From(path, nil)
	must(t, err)
	defer c.Close()
	const lines = 5000
	go func() {
		for i := range lines {
			_, _ = fmt.Fprintf(w, "%d\n", i)
		}
	}()
	for next := 0; next < lines; {
		for _, line := range rest(t, c) {
			if line != fmt.Sprint(next) {
				t.Fatalf("line %s, want %d", line, next)
			}
			next++
		}
	}
	closeSpool(t, s)
}
