package config

import (
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// span is a range of bytes of the text.
type span struct{ start, end int }

// place is where a key stands and where its value does; a table that has a header or is only implied has no value.
type place struct{ key, value span }

// locator finds the place of every key in a text that is known to be valid TOML (https://toml.io/en/v1.1.0). The decoder gives lines only
// for some errors, and the key's place instead of the value's in inline tables.
type locator struct {
	text   string
	at     int
	places map[string]place // by toml.Key.String(); elements of a list have [0], [1], … behind it
}

func locate(text string) map[string]place {
	l := locator{text: text, places: map[string]place{}}
	var table toml.Key
	for l.skip(" \t\r\n"); l.at < len(l.text); l.skip(" \t\r\n") {
		switch l.text[l.at] {
		case '#':
			l.until("\n")
		case '[':
			table = l.header()
		default:
			l.pair(table)
		}
	}
	return l.places
}

// header reads [a.b] and [[a.b]].
func (l *locator) header() toml.Key {
	l.skip("[")
	key, last := l.key(nil)
	l.places[key.String()] = place{key: last}
	l.skip("]")
	return key
}

// pair reads a.b = value.
func (l *locator) pair(table toml.Key) {
	key, last := l.key(table)
	l.skip("=")
	l.skip(" \t")
	name := key.String()
	l.places[name] = place{key: last}
	value := l.value(key, name)
	l.places[name] = place{last, value}
}

// key reads a dotted key. What is before its last part is a table, which may be known from here only.
func (l *locator) key(table toml.Key) (key toml.Key, last span) {
	key = append(key, table...)
	for {
		l.skip(" \t")
		part, at := l.part()
		key, last = append(key, part), at
		l.skip(" \t")
		if !l.next(".") {
			return key, last
		}
		if _, known := l.places[key.String()]; !known {
			l.places[key.String()] = place{key: last}
		}
	}
}

func (l *locator) part() (string, span) {
	start := l.at
	if l.next(`"`) || l.next(`'`) {
		l.at = start
		l.quoted()
	} else {
		l.until(" \t.=]\r\n")
	}
	at := span{start, l.at}
	return unquote(l.text[at.start:at.end]), at
}

// unquote leaves the rules for escapes to the decoder.
func unquote(part string) string {
	var key struct{ Key string }
	if !strings.ContainsAny(part, `"'`) {
		return part
	}
	if _, err := toml.Decode("Key = "+part, &key); err != nil {
		return part
	}
	return key.Key
}

func (l *locator) value(key toml.Key, name string) span {
	start := l.at
	switch {
	case l.next("["):
		l.list(key, name)
	case l.next("{"):
		l.inlineTable(key)
	case strings.HasPrefix(l.text[start:], `"`) || strings.HasPrefix(l.text[start:], `'`):
		l.quoted()
	default:
		l.at++ // there is one: this also makes sure that the end is reached
		l.until(",]}#\r\n")
		l.at = start + len(strings.TrimRight(l.text[start:min(l.at, len(l.text))], " \t"))
	}
	return span{start, l.at}
}

func (l *locator) list(key toml.Key, name string) {
	for i := 0; l.more("]"); i++ {
		element := name + "[" + strconv.Itoa(i) + "]"
		l.places[element] = place{value: l.value(key, element)}
	}
}

func (l *locator) inlineTable(key toml.Key) {
	for l.more("}") {
		l.pair(key)
	}
}

// more goes to the next element of a list or an inline table, or behind its end.
func (l *locator) more(end string) bool {
	l.skip(" \t\r\n,")
	for l.next("#") {
		l.until("\n")
		l.skip(" \t\r\n,")
	}
	return l.at < len(l.text) && !l.next(end)
}

// quoted reads any of the four kinds of string.
func (l *locator) quoted() {
	quote := l.text[l.at : l.at+1]
	if strings.HasPrefix(l.text[l.at:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	l.at += len(quote)
	for l.at < len(l.text) && !strings.HasPrefix(l.text[l.at:], quote) {
		if quote[0] == '"' && l.text[l.at] == '\\' {
			l.at++
		}
		l.at++
	}
	l.at = min(l.at+len(quote), len(l.text))
	for range 2 { // """ may end in two quotes that belong to the string
		if len(quote) == 3 && strings.HasPrefix(l.text[l.at:], quote[:1]) {
			l.at++
		}
	}
}

func (l *locator) skip(chars string) {
	for l.at < len(l.text) && strings.IndexByte(chars, l.text[l.at]) >= 0 {
		l.at++
	}
}

func (l *locator) until(chars string) {
	for l.at < len(l.text) && strings.IndexByte(chars, l.text[l.at]) < 0 {
		l.at++
	}
}

func (l *locator) next(s string) bool {
	if strings.HasPrefix(l.text[l.at:], s) {
		l.at += len(s)
		return true
	}
	return false
}
