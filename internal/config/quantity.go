package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/zfleet/zfleet/supervisor/fleet"
)

// longest is far above any time that makes sense here, and far below what time.Duration can hold.
const longest = 365 * 24 * time.Hour

func (t *table) duration(name string, low time.Duration, into *time.Duration) (value, bool) {
	v, ok := t.take(name, "duration")
	if !ok {
		return v, false
	}
	if n, isNumber := v.raw.(int64); isNumber {
		t.complain(v.at, "%s needs a unit: write %q", name, strconv.FormatInt(n, 10)+"s")
		return v, false
	}
	s, isText := v.raw.(string)
	if !isText {
		t.wrongType(v, "a duration", strconv.Quote(formatDuration(*into)))
		return v, false
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		t.complain(v.at, "%s must be a duration, such as \"500ms\", \"30s\" or \"1m30s\"", name)
	case d < low || d > longest:
		t.complain(v.at, "%s must be from %s to %s; this is %s", name, formatDuration(low), formatDuration(longest), s)
	default:
		*into = d
		return v, true
	}
	return v, false
}

// formatDuration writes 1m where time.Duration writes 1m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// fraction reads a number that need not be whole.
func (t *table) fraction(name string, low, high float64, into *float64) {
	v, ok := t.take(name, "number")
	if !ok {
		return
	}
	n, ok := v.raw.(float64)
	if whole, isWhole := v.raw.(int64); isWhole {
		n, ok = float64(whole), true
	}
	switch {
	case !ok:
		t.wrongType(v, "a number", "1.5")
	case !(n >= low && n <= high): // NaN is neither
		t.complain(v.at, "%s must be from %v to %v; this is %v", name, low, high, v.raw)
	default:
		*into = n
	}
}

// biggest is more than a machine has, and far below what int64 can hold.
const biggest = 1 << 40

func (t *table) size(name string, low int64, into *int64) {
	v, ok := t.take(name, "size")
	if !ok {
		return
	}
	n, err := parseSize(v.raw)
	switch {
	case err != nil:
		t.complain(v.at, "%s must be a size, such as \"64MiB\", or a number of bytes; this is %v", name, err)
	case n < low || n > biggest:
		t.complain(v.at, "%s must be from %s to %s; this is %s", name, formatSize(low), formatSize(biggest), formatSize(n))
	default:
		*into = n
	}
}

var sizePattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)$`)

// units are powers of 1024, and of 1000 without the i (IEC 80000-13).
var units = map[string]float64{
	"": 1, "b": 1,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// parseSize reads a number of bytes. Its error is what there is instead.
func parseSize(raw any) (int64, error) {
	if n, ok := raw.(int64); ok {
		return n, nil
	}
	s, ok := raw.(string)
	if !ok {
		return 0, fmt.Errorf("%s", typeOf(raw))
	}
	match := sizePattern.FindStringSubmatch(s)
	if match == nil {
		return 0, fmt.Errorf("%q", s)
	}
	unit, ok := units[strings.ToLower(match[2])]
	number, err := strconv.ParseFloat(match[1], 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("%q", s)
	}
	return int64(min(number*unit, math.MaxInt64/2)), nil
}

func formatSize(n int64) string {
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size := int64(units[strings.ToLower(unit)]); n >= size && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

var percentPattern = regexp.MustCompile(`^([0-9]{1,3}) ?%$`)

// percentOf reads "25%".
func percentOf(raw any) (int, bool) {
	s, _ := raw.(string)
	match := percentPattern.FindStringSubmatch(s)
	if match == nil {
		return 0, false
	}
	n, err := strconv.Atoi(match[1])
	return n, err == nil && n <= 100
}

func (t *table) percent(name string, into *int) {
	v, ok := t.take(name, "percent")
	if !ok {
		return
	}
	n, ok := percentOf(v.raw)
	if !ok {
		t.complain(v.at, "%s must be from \"0%%\" to \"100%%\", with quotes; this is %v", name, v.raw)
		return
	}
	*into = n
}

// share reads a number, or a percentage.
func (t *table) share(name string, high int, into *fleet.Share) {
	v, ok := t.take(name, "integer or percent")
	if !ok {
		return
	}
	percent, isPercent := percentOf(v.raw)
	n, isNumber := v.raw.(int64)
	switch {
	case isPercent && percent > 0:
		*into = fleet.Share{Percent: percent}
	case isNumber && n >= 1 && n <= int64(high):
		*into = fleet.Share{N: int(n)}
	default:
		t.complain(v.at, "%s must be from 1 to %d, or from \"1%%\" to \"100%%\"; this is %v", name, high, v.raw)
	}
}
