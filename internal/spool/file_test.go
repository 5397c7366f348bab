package spool

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string, limits Limits) *File {
	t.Helper()
	f, err := Open(path, limits)
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func put(t *testing.T, f *File, lines string) {
	t.Helper()
	n, err := f.Write([]byte(lines))
	must(t, err)
	if n != len(lines) {
		t.Errorf("%d bytes of %q", n, lines)
	}
}

// files is what there is: the newest first.
func filesOf(path string) (all []string) {
	for n := 0; ; n++ {
		text, err := os.ReadFile(numbered(path, n))
		if err != nil {
			return all
		}
		all = append(all, string(text))
	}
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f := open(t, path, Limits{Size: 10, Files: 3})
	put(t, f, "one\ntwo\n")
	expect(t, filesOf(path), "one\ntwo\n")
	put(t, f, "three\nfour\nfive\n")
	expect(t, filesOf(path), "four\nfive\n", "three\n", "one\ntwo\n")
	put(t, f, "a line that is longer than a file\nsix\n")
	expect(t, filesOf(path), "six\n", "a line that is longer than a file\n", "four\nfive\n")
	put(t, f, "0123456\n")
	expect(t, filesOf(path), "0123456\n", "six\n", "a line that is longer than a file\n")
}

// With fewer files than before, those that are too many go.
func TestFewerFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	put(t, open(t, path, Limits{Size: 5, Files: 4}), "1111\n2222\n3333\n4444\n")
	f := open(t, path, Limits{Size: 5, Files: 2})
	put(t, f, "5555\n")
	expect(t, filesOf(path), "5555\n", "4444\n")
	one := open(t, path, Limits{Size: 5, Files: 1})
	put(t, one, "6666\n")
	put(t, one, "7777\n")
	if text, _ := os.ReadFile(path); string(text) != "7777\n" {
		t.Errorf("got %q", text)
	}
}

// A last line that was cut off is ended, so that the next one is whole.
func TestATornLineIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	must(t, os.WriteFile(path, []byte("whole\ntor"), 0o600))
	put(t, open(t, path, Limits{Size: 100, Files: 2}), "next\n")
	expect(t, filesOf(path), "whole\ntor\nnext\n")
}

// What is no file is never renamed.
func TestADeviceIsNotTurnedOver(t *testing.T) {
	f := open(t, os.DevNull, Limits{Size: 5, Files: 3})
	put(t, f, strings.Repeat("line\n", 10))
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%v, %v", info, err)
	}
}

func TestAFileThatCannotBePutAsideIsBegunAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	must(t, os.MkdirAll(filepath.Join(numbered(path, 1), "full"), 0o700)) // a folder that nothing can be renamed to
	f := open(t, path, Limits{Size: 10, Files: 2})
	put(t, f, "one\ntwo\nthree\n")
	if text, _ := os.ReadFile(path); string(text) != "three\n" {
		t.Errorf("got %q", text)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "none", "a.log")
	if _, err := Open(path, Limits{}); err == nil || err.Error() != "cannot write "+path+": no such file or directory" {
		t.Errorf("got %v", err)
	}
}
