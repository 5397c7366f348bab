package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes files in a new folder: those whose name ends in * are executable, those in / are folders.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		path := filepath.Join(root, strings.TrimSuffix(name, "*"))
		folder, mode := filepath.Dir(path), os.FileMode(0o600)
		if strings.HasSuffix(name, "/") {
			folder = path
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "*") {
			mode = 0o700
		}
		if folder == path {
			continue
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// check compares what was found, or the complaint, with the root folder's name left out.
func check(t *testing.T, root, what, got string, err error, want string) {
	t.Helper()
	if err != nil {
		got = err.Error()
	}
	if got = strings.ReplaceAll(got, root, ""); got != want {
		t.Errorf("%s: got  %s\n\twant %s", what, got, want)
	}
}

func TestFindPlugin(t *testing.T) {
	root := tree(t, "fleet/beside*", "fleet/everywhere*", "fleet/folder/", "fleet/sub/there*", "fleet/plain", "fleet/half",
		"plugins/inside*", "plugins/everywhere*", "plugins/folder*",
		"bin/own*", "bin/everywhere*", "path1/", "path2/onpath*", "path2/everywhere*", "path2/half*")
	m := Machine{Bin: root + "/bin", Path: root + "/path1:" + root + "/path2"}
	for name, want := range map[string]string{
		"beside":          "/fleet/beside",
		"everywhere":      "/fleet/everywhere",
		"folder":          "/plugins/folder",
		"inside":          "/plugins/inside",
		"own":             "/bin/own",
		"onpath":          "/path2/onpath",
		"half":            "/path2/half",
		"sub/there":       "/fleet/sub/there",
		"../bin/own":      "/bin/own",
		root + "/bin/own": "/bin/own",
		"plain":           `cannot run plugin "plain": /fleet/plain is not executable: chmod +x /fleet/plain`,
		"./plain":         `cannot run plugin "./plain": /fleet/plain is not executable: chmod +x /fleet/plain`,
		"./none":          `cannot find plugin "./none": there is no file /fleet/none`,
		"./folder":        `cannot run plugin "./folder": /fleet/folder is a folder`,
		"none": `cannot find plugin "none": looked beside the file (/fleet), in plugin_dir (/plugins), beside zfleet (/bin) and on PATH: ` +
			`build it, or write its path`,
	} {
		got, err := m.Plugin(name, root+"/fleet", root+"/plugins")
		check(t, root, name, got, err, want)
	}
}

func TestFindCommand(t *testing.T) {
	root := tree(t, "dir/worker.py", "dir/run*", "dir/here*", "path/prog*", "path/plain", "other/prog*")
	m := Machine{Bin: root + "/bin", Path: root + "/path"}
	for _, test := range []struct{ name, path, want string }{
		{"prog", "", "/path/prog"},
		{"prog", root + "/other", "/other/prog"},
		{"./run", "", "/dir/run"},
		{root + "/path/prog", "", "/path/prog"},
		{"./worker.py", "", `cannot run command "./worker.py": /dir/worker.py is not executable: chmod +x /dir/worker.py`},
		{"plain", "", `cannot run command "plain": /path/plain is not executable: chmod +x /path/plain`},
		{"here", "", `cannot find command "here" on PATH, but in /dir: write "./here"`},
		{"none", "", `cannot find command "none" on PATH: install it, or write its path`},
		{"./none", "", `cannot find command "./none": there is no file /dir/none`},
	} {
		got, err := m.Command(test.name, root+"/dir", test.path)
		check(t, root, test.name, got, err, test.want)
	}
}

// A relative or empty entry of PATH is not the folder where zfleet happens to be started.
func TestFindCommandIgnoresRelativePath(t *testing.T) {
	root := tree(t, "prog*")
	t.Chdir(root)
	for _, path := range []string{".", ":/nowhere"} {
		if got, err := (Machine{Path: path}).Command("prog", "/", ""); err == nil {
			t.Errorf("PATH=%s: found %s", path, got)
		}
	}
}

func TestDir(t *testing.T) {
	root := tree(t, "folder/", "file")
	for name, want := range map[string]string{
		"/folder": "",
		"/file":   "/file is not a folder",
		"/none":   "there is no folder /none: make it, or name another one",
	} {
		check(t, root, name, "", Machine{}.Dir(root+name), want)
	}
}

func TestLoad(t *testing.T) {
	root := tree(t, "fleet/hello*", "fleet/sub/")
	write(t, root+"/fleet/fleet.toml", minimal)
	t.Chdir(root + "/fleet/sub")
	f, err := Load("../fleet.toml")
	if err != nil {
		t.Fatal(err)
	}
	plugin := f.Spec.Services[0].Workers.Plugin
	if f.Spec.Name != "fleet" || f.Folder != root+"/fleet" || plugin != root+"/fleet/hello" || f.Spec.MaxStarting < 1 {
		t.Errorf("got %+v", f)
	}
}

func TestLoadExplains(t *testing.T) {
	root := tree(t, "folder/")
	write(t, root+"/huge.toml", strings.Repeat("#", maxFile+1))
	for name, want := range map[string]string{
		"/none.toml": "cannot read /none.toml: there is no such file: write one, or name yours with -f FILE",
		"/folder":    "cannot read /folder: it is a folder: write /folder/fleet.toml",
		"/huge.toml": "cannot read /huge.toml: it is larger than 1048576 bytes: is it a fleet.toml?",
	} {
		_, err := Load(root + name)
		check(t, root, name, "no error", err, want)
	}
	write(t, root+"/bad.toml", "nmae = 3\n")
	var complaints Complaints
	if _, err := Load(root + "/bad.toml"); !errors.As(err, &complaints) || complaints[0].File != root+"/bad.toml" {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
