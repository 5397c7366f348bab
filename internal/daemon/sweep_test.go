package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zfleet/zfleet/internal/await"
	"github.com/zfleet/zfleet/internal/dead"
)

// What is kept of workers and services that there are not goes in its time; of those that there are nothing does, however old it is.
func TestWhatNobodyUsesIsSwept(t *testing.T) {
	log, l := &lines{}, newFakeLauncher()
	opts := options(t, l, log)
	opts.Read.Log.KeepUnused, opts.Read.Log.Keep, opts.Read.Log.Files = time.Hour, 1<<20, 1
	opts.Read.State = t.TempDir()
	old := time.Now().Add(-2 * time.Hour)
	path := func(slot string) string { return filepath.Join(opts.Read.State, "logs", slot+".log") }
	all := []string{path("hello/0"), path("hello/1"), path("hello/proxy"), path("hello/2"), path("echo/0"),
		dead.Path(opts.Read.State, "hello"), dead.Path(opts.Read.State, "echo")}
	for _, name := range all {
		must(t, os.MkdirAll(filepath.Dir(name), 0o700))
		must(t, os.WriteFile(name, nil, 0o600))
		must(t, os.Chtimes(name, old, old))
	}
	d, err := New(opts)
	must(t, err)
	r := run(t, d, l, log)
	await.Until(t, "both lines", func() bool {
		return strings.Contains(log.String(), "logs of workers that there are not any more are removed: echo/0, hello/2") &&
			strings.Contains(log.String(), "dead letters of services that there are not any more are removed: echo")
	})
	r.cancel()
	r.end(t)
	for i, name := range all {
		_, err := os.Stat(name)
		if gone := os.IsNotExist(err); gone != (i == 3 || i == 4 || i == 6) {
			t.Errorf("%s: gone: %t", name, gone)
		}
	}
	d.file.Log.Keep = 0 // nothing is written any more: what there is goes too
	d.sweepUnused(helloView(), time.Now().Add(-time.Hour))
	if left, _ := filepath.Glob(filepath.Join(opts.Read.State, "logs", "*", "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
