package export

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zfleet/zfleet/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// machine finds every program where the file says, or else in /usr/bin; one called mine is in a folder that systemd does not look in.
type machine struct{}

func (machine) Plugin(name, folder, _ string) (string, error) {
	return filepath.Join(folder, name), nil
}

func (machine) Command(name, dir, _ string) (string, error) {
	switch {
	case name == "mine":
		return "/opt/my tools/bin/mine", nil
	case strings.Contains(name, "/"):
		return filepath.Join(dir, name), nil
	}
	return "/usr/bin/" + name, nil
}

func (machine) Dir(string) error { return nil }

// Each testdata/*.toml is read as if it were in the folder that its first line names, and gives its units.
func TestUnits(t *testing.T) {
	files, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no fleet files", err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		folder := strings.TrimPrefix(first, "# ")
		file, err := config.Parse("fleet.toml", text, config.Options{Folder: folder, CPUs: 2, Lookup: machine{}})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		o := Options{File: file, Path: filepath.Join(folder, "fleet.toml"), Self: "/usr/local/bin/zfleet"}
		if strings.HasPrefix(folder, "/home/ada/") {
			o.Owner = "ada"
		}
		golden(t, strings.TrimSuffix(path, ".toml")+".service", Service(o))
		golden(t, strings.TrimSuffix(path, ".toml")+".socket", Socket(o))
		o.User = true
		golden(t, strings.TrimSuffix(path, ".toml")+".user.service", Service(o))
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v\ngot\n%s\nwant\n%s", path, err, got, want)
	}
}
