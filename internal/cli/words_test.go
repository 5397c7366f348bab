package cli

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0s", 999 * time.Millisecond: "0s", 59 * time.Second: "59s", time.Minute: "1m0s", 3599 * time.Second: "59m59s",
		time.Hour: "1h0m", 24*time.Hour - 1: "23h59m", 24 * time.Hour: "1d0h", 1000 * time.Hour: "41d16h",
	} {
		if got := age(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

type hinted struct{ error }

func (hinted) Hint() string { return "try \x07this" }

func TestFail(t *testing.T) {
	var out bytes.Buffer
	ui := &tui{err: &out}
	ui.fail(fmt.Errorf("cannot start: %w", hinted{errors.New("it is \x1b[31mred\u202e")}))
	ui.fail(errors.Join(errors.New("one"), errors.New("two")))
	want := "zfleet: cannot start: it is \\x1b[31mred\\x202e\nhint: try \\x07this\nzfleet: one\nzfleet: two\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestUnknownCommands(t *testing.T) {
	sandbox(t)
	wants(t, exitUsage, "", "zfleet: there is no command \"sacle\"\nhint: did you mean scale?\n", "sacle")
	wants(t, exitUsage, "", "zfleet: there is no command \"frobnicate\"\nhint: zfleet --help\n", "frobnicate")
	wants(t, exitUsage, "", "zfleet: invalid argument \"xml\" for \"-o, --output\" flag: want table or json\nhint: zfleet ps --help\n",
		"ps", "-o", "xml")
	wants(t, exitUsage, "", "zfleet: zfleet ps takes no argument, and there is \"hello\"\nhint: zfleet ps --help\n", "ps", "hello")
	wants(t, exitUsage, "", "zfleet: zfleet up takes one fleet file, and there are 2 arguments\nhint: zfleet up --help\n", "up", "a", "b")
	wants(t, exitUsage, "", "zfleet: there are two fleet files, a.toml and b.toml\nhint: zfleet up --help\n", "up", "-f", "a.toml", "b.toml")
}
