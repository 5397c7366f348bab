package errorreply

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Template is a reply with places for what an error tells: {code}, {message}, {attempts} and {service}, each as often as one likes. The zero
// Template is zfleet's own JSON.
type Template struct {
	text    string
	service string
	parts   []part
}

// String is what Parse was given.
func (t Template) String() string { return t.text }

// part is literal text, and what stands behind it: the name of a place, or "".
type part struct{ text, place string }

// known is what may stand in a place, as a pattern.
var known = map[string]string{
	"code":     Unavailable + "|" + DeadlineExceeded + "|" + Aborted + "|" + ResourceExhausted,
	"message":  messages(),
	"attempts": "[0-9]+",
	"service":  "",
}

// messages is a pattern for every message above.
func messages() string {
	var all []string
	for _, e := range []Error{AttemptsUsed(0), WorkerLost(0), Overdue(0, 0), QueueFull, ShuttingDown} {
		all = append(all, regexp.QuoteMeta(e.Message))
	}
	all[0] = strings.Replace(all[0], "0", "[0-9]+", 1)
	all[2] = strings.Replace(all[2], "0s", "[0-9.µa-z]+", 1)
	return strings.Join(all, "|")
}

// Unknown is the error of a template with a place that there is not.
type Unknown struct{ Place string } // with its braces

func (e *Unknown) Error() string {
	return fmt.Sprintf("there is no %s to fill in: there are {code}, {message}, {attempts} and {service}", e.Place)
}

var placePattern = regexp.MustCompile(`\{[A-Za-z_]+\}`)

// Parse reads the template of a service. A name alone in braces is a place; no JSON has that. "" is zfleet's own JSON. The error is
// *Unknown.
func Parse(text, service string) (Template, error) {
	t := Template{text: text, service: service}
	if text == "" {
		return t, nil
	}
	from := 0
	for _, at := range placePattern.FindAllStringIndex(text, -1) {
		place := text[at[0]+1 : at[1]-1]
		if _, ok := known[place]; !ok {
			return t, &Unknown{text[at[0]:at[1]]}
		}
		t.parts = append(t.parts, part{text[from:at[0]], place})
		from = at[1]
	}
	t.parts = append(t.parts, part{text: text[from:]})
	return t, nil
}

// standard is zfleet's own reply. Attempts are left out where there were none.
var standard = map[bool]Template{
	true:  {parts: []part{{`{"zfleet":{"code":"`, "code"}, {`","message":"`, "message"}, {`","attempts":`, "attempts"}, {text: `}}`}}},
	false: {parts: []part{{`{"zfleet":{"code":"`, "code"}, {`","message":"`, "message"}, {text: `"}}`}}},
}

// Frame is the one frame of a reply.
func (t Template) Frame(e Error) []byte {
	if t.parts == nil {
		t.parts = standard[e.Attempts > 0].parts
	}
	var b []byte
	for _, p := range t.parts {
		b = append(b, p.text...)
		switch p.place {
		case "code":
			b = append(b, e.Code...)
		case "message":
			b = append(b, e.Message...)
		case "attempts":
			b = strconv.AppendInt(b, int64(e.Attempts), 10)
		case "service":
			b = append(b, t.service...)
		}
	}
	return b
}

// Matches says whether a reply can be one of this template's, for whoever has to tell them from a worker's. Never so with zfleet's own
// JSON: that, workerkit.ReplyError knows.
func (t Template) Matches(reply [][]byte) bool {
	return t.parts != nil && len(reply) == 1 && t.pattern().Match(reply[0])
}

func (t Template) pattern() *regexp.Regexp {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(literal(p.text))
		switch p.place {
		case "":
		case "service":
			b.WriteString(literal(t.service))
		default:
			b.WriteString("(?:" + known[p.place] + ")")
		}
	}
	return regexp.MustCompile("^" + b.String() + "$")
}

// literal is a pattern for a text. Package regexp takes a byte that is not UTF-8 for U+FFFD, and wants it written so.
func literal(text string) string { return regexp.QuoteMeta(string([]rune(text))) }
