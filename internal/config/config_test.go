package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew; look at the difference")

// testOptions is a machine with a plugin hello, a python3, and the folders /srv/fleet and below, but for nowhere.
var testOptions = Options{Folder: "/srv/fleet", CPUs: 8, Lookup: fakeMachine{}}

type fakeMachine struct{}

func (fakeMachine) Plugin(name, folder, pluginDir string) (string, error) {
	if name != "hello" {
		return "", fmt.Errorf("cannot find plugin %q in %s or %s", name, folder, pluginDir)
	}
	return filepath.Join(pluginDir, name), nil
}

func (fakeMachine) Command(name, dir, path string) (string, error) {
	switch {
	case name == "python3":
		return "/usr/bin/python3", nil
	case strings.Contains(name, "/"):
		return filepath.Join(dir, name), nil
	}
	return "", fmt.Errorf("cannot find command %q in %s or %q", name, dir, path)
}

func (fakeMachine) Dir(path string) error {
	if filepath.Base(path) == "nowhere" {
		return fmt.Errorf("there is no folder %s", path)
	}
	return nil
}

// Every file in testdata/bad has all its complaints in the .golden file beside it.
func TestBadFiles(t *testing.T) {
	for _, file := range testFiles(t, "testdata/bad/*.toml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Parse("fleet.toml", readFile(t, file), testOptions)
			var complaints Complaints
			if !errors.As(err, &complaints) {
				t.Fatalf("got %v, want complaints", err)
			}
			compare(t, strings.TrimSuffix(file, ".toml")+".golden", complaints.Error()+"\n")
		})
	}
}

// Every file in testdata/good has what it means in the .golden file beside it.
func TestGoodFiles(t *testing.T) {
	for _, file := range testFiles(t, "testdata/good/*.toml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := Parse("fleet.toml", readFile(t, file), testOptions)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.MarshalIndent(f, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			compare(t, strings.TrimSuffix(file, ".toml")+".golden", string(text)+"\n")
		})
	}
}

func testFiles(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(readFile(t, golden)); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s", golden, got, want)
	}
}
