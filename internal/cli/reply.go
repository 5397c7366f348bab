package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// How replies are printed. They are a worker's bytes: a terminal is not given its control characters, unless raw is asked for.
const (
	asText = "text" // a line a frame; what is not text as \xNN
	asRaw  = "raw"  // the bytes and nothing else
	asHex  = "hex"  // a line a frame
)

// errorReply is zfleet's own answer to a request that no worker answered: {"zfleet":{"code":…,"message":…}}. See docs/delivery.md.
type errorReply struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Attempts int    `json:"attempts,omitempty"`
}

// asErrorReply recognises one.
func asErrorReply(frames [][]byte) *errorReply {
	var body struct {
		Zfleet *errorReply `json:"zfleet"`
	}
	if len(frames) != 1 || json.Unmarshal(frames[0], &body) != nil || body.Zfleet == nil || body.Zfleet.Code == "" {
		return nil
	}
	return body.Zfleet
}

// jsonFrame is a frame in JSON, which has no bytes: text, or else base64.
type jsonFrame struct {
	Text   *string `json:"text,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
}

func jsonFrames(frames [][]byte) []jsonFrame {
	all := make([]jsonFrame, len(frames))
	for i, f := range frames {
		if utf8.Valid(f) {
			text := string(f)
			all[i].Text = &text
		} else {
			all[i].Base64 = f
		}
	}
	return all
}

// printReply prints one reply to w in one of the forms for people and pipes.
func printReply(w io.Writer, frames [][]byte, form string) error {
	for _, f := range frames {
		var err error
		switch form {
		case asRaw:
			_, err = w.Write(f)
		case asHex:
			_, err = fmt.Fprintln(w, hex.EncodeToString(f))
		default:
			_, err = fmt.Fprintln(w, printableBytes(f))
		}
		if err != nil {
			return fmt.Errorf("cannot print the reply: %w", err)
		}
	}
	return nil
}

// printableBytes is a frame as text, with bytes that are none shown as \xNN.
func printableBytes(b []byte) string {
	if utf8.Valid(b) {
		return printable(string(b))
	}
	var text []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			text = fmt.Appendf(text, "\\x%02x", b[0])
		} else {
			text = append(text, printable(string(b[:n]))...)
		}
		b = b[n:]
	}
	return string(text)
}
