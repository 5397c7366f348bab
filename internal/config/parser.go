package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// parser reads one file. It notes what is wrong and goes on, so that all of it is told at once.
type parser struct {
	opts       Options
	file       string
	text       string
	places     map[string]place
	keys       []known
	unknown    []stranger
	complaints Complaints
}

// known is a key that a reader asked for.
type known struct {
	table string // service.hello.workers
	name  string
	kind  string
}

// stranger is a key that no reader asked for.
type stranger struct{ table, name string }

// decode turns the text into its root table. Its error is the one complaint that the text is not TOML.
func (p *parser) decode(data []byte) (*table, error) {
	p.text = strings.TrimPrefix(string(data), "\ufeff")
	var values map[string]any
	_, err := toml.Decode(p.text, &values)
	var syntax toml.ParseError
	switch {
	case errors.As(err, &syntax):
		at := span{syntax.Position.Start, syntax.Position.Start + syntax.Position.Len}
		return nil, Complaints{complaintAt(p.file, p.text, at, reworded(syntax.Message))}
	case err != nil:
		return nil, Complaints{complaintAt(p.file, p.text, span{}, err.Error())}
	}
	p.places = locate(p.text)
	return &table{parser: p, values: values}, nil
}

// reworded fits the decoder's messages to ours. It says '\x00' where the file ends.
func reworded(message string) string {
	message = strings.ReplaceAll(strings.TrimSuffix(message, "."), `'\x00'`, "the end of the file")
	if strings.HasPrefix(message, "Key ") {
		return "key " + message[len("Key "):]
	}
	return message
}

func (p *parser) complain(at span, format string, args ...any) {
	p.complaints = append(p.complaints, complaintAt(p.file, p.text, at, fmt.Sprintf(format, args...)))
}

// complainUnknown comes last: what is unknown in one table may be known in another one.
func (p *parser) complainUnknown() {
	for _, s := range p.unknown {
		p.complain(p.places[join(s.table, s.name)].key, "unknown key %s%s", shown(s.name), p.suggestion(s))
	}
}

func (p *parser) suggestion(s stranger) string {
	var here []string
	elsewhere := ""
	for _, k := range p.keys {
		switch {
		case k.table == s.table:
			here = append(here, k.name)
		case k.name == s.name && elsewhere == "":
			elsewhere = k.table
		}
	}
	if near, ok := nearest(s.name, here); ok {
		return fmt.Sprintf(": did you mean %s?", near)
	}
	if elsewhere != "" {
		return fmt.Sprintf(": it belongs under [%s]", elsewhere)
	}
	slices.Sort(here)
	return fmt.Sprintf(": known here are %s", strings.Join(slices.Compact(here), ", "))
}

// join is the name of a key, as places knows it.
func join(table, name string) string {
	if table == "" {
		return shown(name)
	}
	return table + "." + shown(name)
}

// shown is a name in a message: quoted, unless it is a plain one.
func shown(name string) string { return toml.Key{name}.String() }
