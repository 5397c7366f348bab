package config

import (
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for _, test := range []struct {
		raw  any
		want int64
	}{
		{int64(0), 0},
		{int64(-5), -5},
		{"10", 10},
		{"10B", 10},
		{"64MiB", 64 << 20},
		{"64 mib", 64 << 20},
		{"1.5GiB", 3 << 29},
		{"8MB", 8_000_000},
		{"2TiB", 2 << 40},
		{"2kb", 2000},
	} {
		if got, err := parseSize(test.raw); err != nil || got != test.want {
			t.Errorf("parseSize(%v) = %d, %v, want %d", test.raw, got, err, test.want)
		}
	}
	for _, raw := range []any{"", "MiB", "-1MiB", "1 parsec", "1..5MiB", "1e3", true, 1.5} {
		if got, err := parseSize(raw); err == nil {
			t.Errorf("parseSize(%v) = %d", raw, got)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1023: "1023 bytes", 1 << 10: "1KiB", 3 << 19: "1536KiB", 1 << 30: "1GiB", 1 << 42: "4TiB",
	} {
		if got := formatSize(n); got != want {
			t.Errorf("formatSize(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 10 * time.Millisecond: "10ms", 30 * time.Second: "30s", time.Minute: "1m", 90 * time.Second: "1m30s",
		10 * time.Minute: "10m", time.Hour: "1h", time.Hour + time.Second: "1h0m1s", 20 * time.Hour: "20h", 100 * time.Second: "1m40s",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("formatDuration(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"count", "command", "min", "max", "max_delay", "delay"}
	for name, want := range map[string]string{
		"cuont": "count", "Count": "count", "counts": "count", "comand": "command", "mn": "min", "maxdelay": "max_delay", "dealy": "delay",
		"": "", "x": "", "replicas": "", "m": "",
	} {
		if got, _ := nearest(name, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
