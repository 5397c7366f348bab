package cli

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestBuildOf(t *testing.T) {
	settings := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"},
		{Key: "vcs.time", Value: "2026-03-01T10:00:00Z"},
		{Key: "vcs.modified", Value: "true"},
	}
	tail := ", " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	for _, c := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{}, "zfleet devel" + tail},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: settings}, "zfleet devel, commit 0123456789ab with changes" + tail},
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "zfleet v1.2.3" + tail},
	} {
		if got := buildOf(&c.info).String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestVersionAsJSON(t *testing.T) {
	stdout, _, code := run("version", "-o", "json")
	var b build
	if err := json.Unmarshal([]byte(stdout), &b); err != nil || code != exitOK || b.Go != runtime.Version() || b.Version != version() {
		t.Errorf("code %d, %v, %+v", code, err, b)
	}
}
