package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Whatever the bytes are, they are a fleet or complaints whose places lie inside the file.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("fleet.toml", data, testOptions)
		if err == nil {
			if len(file.Spec.Services) == 0 {
				t.Fatalf("a fleet without a service: %+v", file)
			}
			return
		}
		var complaints Complaints
		if !errors.As(err, &complaints) || len(complaints) == 0 {
			t.Fatalf("no complaints: %v", err)
		}
		lines := strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")
		for i, c := range complaints {
			switch {
			case c.Line < 1 || c.Line > len(lines):
				t.Fatalf("line %d of %d: %s", c.Line, len(lines), c)
			case c.Column < 1 || c.Width < 1 || c.Column+c.Width > utf8.RuneCountInString(lines[c.Line-1])+2:
				t.Fatalf("column %d, width %d, of %q: %s", c.Column, c.Width, lines[c.Line-1], c)
			case i > 0 && c.Line < complaints[i-1].Line:
				t.Fatalf("out of order: %s", err)
			case strings.Count(c.String(), "\n") != 2+strings.Count(c.Message, "\n"):
				t.Fatalf("not three lines: %q", c)
			}
		}
	})
}

// The decoder says which keys there are; every one of them is found, and what stands at its place is its value.
func FuzzLocate(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		text := strings.TrimPrefix(string(data), "\ufeff")
		var values map[string]any
		md, err := toml.Decode(text, &values)
		if err != nil {
			return
		}
		places := locate(text)
		for _, key := range md.Keys() {
			at, ok := places[key.String()]
			if !ok {
				t.Fatalf("%q has no place in %q: %v", key, text, places)
			}
			checkPlace(t, text, key, at, values)
		}
	})
}

func checkPlace(t *testing.T, text string, key toml.Key, at place, values map[string]any) {
	t.Helper()
	name := text[at.key.start:at.key.end]
	if unquote(name) != key[len(key)-1] {
		t.Fatalf("key %q: %q stands there in %q", key, name, text)
	}
	want, unique := valueOf(values, key)
	if !unique || at.value == (span{}) {
		return
	}
	if _, isTable := want.(map[string]any); isTable && text[at.value.start] != '{' {
		return // a.b = 1, a = 2: the decoder lets the second one pass, and leaves it out
	}
	var got struct{ V any }
	if _, err := toml.Decode("V = "+text[at.value.start:at.value.end], &got); err != nil {
		t.Fatalf("key %q: value %q: %v", key, text[at.value.start:at.value.end], err)
	}
	if !equal(got.V, want) {
		t.Fatalf("key %q: value %q in %q, want %v", key, text[at.value.start:at.value.end], text, want)
	}
}

// valueOf walks down a key. Below a list of tables one key stands for many values.
func valueOf(values map[string]any, key toml.Key) (any, bool) {
	var v any = values
	for _, part := range key {
		table, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		v = table[part]
	}
	return v, true
}

// equal compares as the decoder would print: NaN is equal to itself.
func equal(a, b any) bool {
	x, errX := toml.Marshal(map[string]any{"v": a})
	y, errY := toml.Marshal(map[string]any{"v": b})
	return errX == nil && errY == nil && string(x) == string(y) || errX != nil && errY != nil
}

func seed(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.toml", "testdata/good/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}
