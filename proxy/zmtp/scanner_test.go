package zmtp

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestScannerTranscripts(t *testing.T) {
	long := func(flags string, size uint64) string {
		return flags + string(binary.BigEndian.AppendUint64(nil, size))
	}
	body := strings.Repeat("b", 300)
	for _, test := range []struct {
		name  string
		limit Scanner
		in    string
		want  []cut
		err   string
	}{
		{name: "nothing"},
		{name: "one frame", in: short, want: []cut{{Message, short}}},
		{name: "empty message", in: "\x00\x00", want: []cut{{Message, "\x00\x00"}}},
		{name: "request of a REQ", in: "\x01\x00" + short + short, want: []cut{{Message, "\x01\x00" + short}, {Message, short}}},
		{name: "long", in: "\x01\x00" + long("\x02", 300) + body, want: []cut{{Message, "\x01\x00" + long("\x02", 300) + body}}},
		{name: "long form of a short frame", in: long("\x03", 1) + "a" + short, want: []cut{{Message, long("\x03", 1) + "a" + short}}},
		{name: "commands", in: ping + long("\x06", 5) + "\x04PONG" + short,
			want: []cut{{Command, ping}, {Command, long("\x06", 5) + "\x04PONG"}, {Message, short}}},
		{name: "commands between frames", in: "\x01\x00" + ping + "\x01\x01a" + ping + ping + short,
			want: []cut{{Command, ping}, {Command, ping}, {Command, ping}, {Message, "\x01\x00\x01\x01a" + short}}},
		{name: "unfinished", in: short + "\x01\x00\x00\x05Hell", want: []cut{{Message, short}}},
		{name: "reserved flags", in: short + "\x08", want: []cut{{Message, short}}, err: "peer sent a frame with reserved flags (0x08)"},
		{name: "MORE on a command", in: "\x05\x00", err: "peer sent a command that says more frames follow (flags 0x05)"},
		{name: "top bit", in: long("\x02", 1<<63), err: "peer sent a frame length with the top bit set (0x8000000000000000)"},
		{name: "longest length", in: "\x01\x00" + long("\x02", math.MaxInt64),
			err: "peer sent a frame of 9223372036854775807 bytes, which no buffer can hold"},
		{name: "frame at its limit", limit: Scanner{MaxFrame: 5}, in: short, want: []cut{{Message, short}}},
		{name: "frame over its limit", limit: Scanner{MaxFrame: 4}, in: short[:2], err: "peer sent a frame of 5 bytes, the limit is 4"},
		{name: "long frame over its limit", limit: Scanner{MaxFrame: 1 << 20}, in: long("\x03", 1<<20+1),
			err: "peer sent a frame of 1048577 bytes, the limit is 1048576"},
		{name: "command over the limit", limit: Scanner{MaxFrame: 8}, in: ping[:2], err: "peer sent a frame of 9 bytes, the limit is 8"},
		{name: "message at its limit", limit: Scanner{MaxMessage: 9}, in: "\x01\x00" + short + "\x01\x00" + short,
			want: []cut{{Message, "\x01\x00" + short}, {Message, "\x01\x00" + short}}},
		{name: "message over its limit", limit: Scanner{MaxMessage: 8}, in: "\x01\x00" + short[:2],
			err: "peer sent a message of at least 9 bytes, the limit is 8"},
		{name: "commands do not count towards it", limit: Scanner{MaxMessage: 9}, in: "\x01\x00" + ping + short,
			want: []cut{{Command, ping}, {Message, "\x01\x00" + short}}},
		{name: "command at its limit", limit: Scanner{MaxCommand: 9}, in: ping + short, want: []cut{{Command, ping}, {Message, short}}},
		{name: "command over its limit", limit: Scanner{MaxCommand: 8}, in: short + "\x01\x00" + ping, want: []cut{{Message, short}},
			err: "peer sent a command of 9 bytes, the limit is 8"},
		{name: "frames at their limit", limit: Scanner{MaxFrames: 2}, in: "\x01\x00" + short + "\x01\x00" + ping + short,
			want: []cut{{Message, "\x01\x00" + short}, {Command, ping}, {Message, "\x01\x00" + short}}},
		{name: "frames over their limit", limit: Scanner{MaxFrames: 2}, in: "\x01\x00" + ping + "\x01\x00" + short,
			want: []cut{{Command, ping}}, err: "peer sent a message of more frames than the limit, 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, pieces := range map[string][]string{"whole": {test.in}, "bytes": single(test.in)} {
				tr := traffic{s: test.limit}
				var said string
				for _, p := range pieces {
					if err := tr.arrive([]byte(p)); err != nil {
						said = err.Error()
						break
					}
				}
				if !reflect.DeepEqual(tr.cuts, test.want) || said != test.err || tr.bad != "" {
					t.Errorf("%s: got %q, %q %s\nwant %q, %q", name, tr.cuts, said, tr.bad, test.want, test.err)
				}
			}
		})
	}
}

func TestScannerNeed(t *testing.T) {
	for _, test := range []struct {
		in   string
		need int
	}{
		{"", 2},
		{"\x00", 2},
		{"\x02", 9},
		{"\x02\x00\x00", 9},
		{"\x02\x00\x00\x00\x00\x00\x10\x00\x00", 9 + 1<<20},
		{"\x00\x05Hell", 7},
		{"\x01\x00", 4},
		{"\x01\x00\x00\x05H", 9},
		{"\x01\x00\x06", 11},
		{"\x01\x00\x04\x09\x04", 13},
	} {
		var s Scanner
		if item, err := s.Next([]byte(test.in)); err != nil || item != (Item{Need: test.need}) {
			t.Errorf("%q: got %+v, %v; want Need %d", test.in, item, err, test.need)
		}
	}
}

// Complete frames of an unfinished message are not looked at again, else a message of many frames costs the square of their number.
func TestScannerDoesNotRescan(t *testing.T) {
	for _, frame := range []string{"\x01\x02ab", "\x03\x00\x00\x00\x00\x00\x00\x00\x02ab"} {
		for cutAt := range frame { // where in a frame the bytes stop
			var s Scanner
			buf := []byte(frame[:cutAt])
			for range 100 {
				if item, err := s.Next(buf); err != nil || item.Kind != None || item.Need <= len(buf) {
					t.Fatalf("%q, cut at %d: %+v, %v", frame, cutAt, item, err)
				}
				for i := range buf[:len(buf)-cutAt] {
					buf[i] = 0xff // would be an error
				}
				buf = append(buf, frame[cutAt:]+frame[:cutAt]...)
			}
		}
	}
}

func TestScannerStartsAnewAfterAMessage(t *testing.T) {
	var s Scanner
	for _, in := range []string{"\x01\x00\x01\x02ab" + short, short, "\x01\x00" + short} {
		if item, err := s.Next([]byte(in)); err != nil || item != (Item{Kind: Message, End: len(in)}) {
			t.Fatal(item, err)
		}
	}
}

func TestScannerResetForgetsAnUnfinishedMessage(t *testing.T) {
	s := Scanner{MaxFrame: 5}
	if item, err := s.Next([]byte("\x01\x02ab")); err != nil || item.Kind != None {
		t.Fatal(item, err)
	}
	s.Reset()
	if item, err := s.Next([]byte(short)); err != nil || item != (Item{Kind: Message, End: len(short)}) {
		t.Fatal(item, err)
	}
	if _, err := s.Next([]byte("\x00\x06")); err == nil {
		t.Fatal("Reset dropped the limits")
	}
}

func TestScannerErrorIsFinal(t *testing.T) {
	var s Scanner
	in := []byte("\x01\x00\x01\x00\x10")
	_, first := s.Next(in)
	_, second := s.Next(in)
	if first == nil || second == nil || first.Error() != second.Error() {
		t.Fatal(first, second)
	}
}
