package launch

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// What passes is what go-plugin can take: five fields of a protocol that we speak, and no certificate.
func FuzzHandshake(f *testing.F) {
	f.Fuzz(func(t *testing.T, line string) {
		err := checkHandshake(line)
		fields := strings.Split(line, "|")
		good := len(fields) >= 5 && fields[0] == "1" && fields[1] == "1" && fields[4] == "grpc" && (len(fields) == 5 || fields[5] == "") &&
			(fields[2] == "unix" || fields[2] == "tcp" && (strings.HasPrefix(fields[3], "127.") || strings.Contains(fields[3], ":")))
		if err == nil && !good {
			t.Errorf("%q passed", line)
		}
		if err != nil && (plain([]byte(err.Error())) != err.Error() || len(err.Error()) > 4*maxQuoted+300) {
			t.Errorf("%q: %v", line, err)
		}
	})
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	for line, ok := range map[string]bool{
		"1|1|unix|/run/p.sock|grpc|":          true,
		"1|1|unix|/run/p.sock|grpc":           true,
		"1|1|unix|/run/p.sock|grpc||true":     true,
		"1|1|tcp|127.0.0.1:1234|grpc":         true,
		"1|1|tcp|[::1]:1234|grpc":             true,
		"1|1|tcp|localhost:1234|grpc":         false,
		"1|1|tcp|0.0.0.0:1234|grpc":           false,
		"1|1|tcp|127.0.0.1|grpc":              false,
		"1|1|unix|/run/p.sock":                false,
		"2|1|unix|/run/p.sock|grpc":           false,
		"1|2|unix|/run/p.sock|grpc":           false,
		"1|1|unix|/run/p.sock|netrpc":         false,
		"1|1|unix|/run/p.sock|grpc|MIIBszCCA": false,
		"":                                    false,
	} {
		if err := checkHandshake(line); (err == nil) != ok {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// go-plugin reads the handshake, however small its pieces, and then nothing until the process is gone.
func TestFirstLine(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	first := newFirstLine(gone)
	first.give("1|1|unix|/p|grpc|")
	got := make(chan string)
	go func() {
		all, err := io.ReadAll(iotest.OneByteReader(first))
		if err != nil {
			t.Error(err)
		}
		got <- string(all)
	}()
	select {
	case line := <-got:
		t.Errorf("EOF after %q, while the process lives", line)
	default:
	}
	close(gone)
	if line := <-got; line != "1|1|unix|/p|grpc|\n" {
		t.Errorf("read %q", line)
	}
}
