package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// table is one table of the file. Its readers note which keys are known, set a variable where the key is written and right, and complain
// where it is wrong.
type table struct {
	*parser
	path   string // service.hello.workers; "" is the root
	values map[string]any
	asked  []string
}

// value is one value, or one element of a list, and where it stands.
type value struct {
	name string
	raw  any
	at   span
}

// take finds the value of a key. kind is its type, in the words that docs/fleet-toml.md uses.
func (t *table) take(name, kind string) (value, bool) {
	t.asked = append(t.asked, name)
	t.keys = append(t.keys, known{t.path, name, kind})
	raw, ok := t.values[name]
	return value{name, raw, t.valueAt(name)}, ok
}

// valueAt is where the value of a key stands, or its header, or the header of this table when it is not written at all.
func (t *table) valueAt(name string) span {
	at, ok := t.places[join(t.path, name)]
	switch {
	case !ok:
		return t.places[t.path].key
	case at.value == span{}:
		return at.key
	}
	return at.value
}

// done notes the keys that nobody asked for.
func (t *table) done() {
	for _, name := range slices.Sorted(maps.Keys(t.values)) {
		if !slices.Contains(t.asked, name) {
			t.unknown = append(t.unknown, stranger{t.path, name})
		}
	}
}

func (t *table) wrongType(v value, kind, example string) {
	t.complain(v.at, "%s must be %s, such as %s; this is %s", v.name, kind, example, typeOf(v.raw))
}

// typeOf is what people call a TOML type.
func typeOf(raw any) string {
	switch raw.(type) {
	case string:
		return "a string"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a point"
	case bool:
		return "true or false"
	case time.Time:
		return "a date"
	case map[string]any:
		return "a table"
	}
	return "a list"
}

// table reads a table below this one. One that is not written is empty.
func (t *table) table(name string) *table {
	v, ok := t.take(name, "table")
	values, isTable := v.raw.(map[string]any)
	if ok && !isTable {
		t.wrongType(v, "a table", "["+join(t.path, name)+"]")
	}
	return &table{parser: t.parser, path: join(t.path, name), values: values}
}

func (t *table) text(name, example string, into *string) (value, bool) {
	v, ok := t.take(name, "string")
	if !ok {
		return v, false
	}
	s, ok := v.raw.(string)
	switch {
	case !ok:
		t.wrongType(v, "a string", strconv.Quote(example))
	case s == "":
		t.complain(v.at, "%s is empty: write %q, say, or leave it out", name, example)
	case strings.ContainsRune(s, 0):
		t.complain(v.at, "%s cannot hold a zero byte", name)
	default:
		*into = s
		return v, true
	}
	return v, false
}

// choice reads a string that must be one of a few.
func (t *table) choice(name string, choices []string, into *string) {
	var s string
	v, ok := t.text(name, choices[0], &s)
	switch {
	case ok && slices.Contains(choices, s):
		*into = s
	case ok:
		t.complain(v.at, "%s must be one of %s%s", name, strings.Join(choices, ", "), didYouMean(s, choices))
	}
}

func didYouMean(s string, choices []string) string {
	if near, ok := nearest(s, choices); ok {
		return ": did you mean " + near + "?"
	}
	return ""
}

func (t *table) boolean(name string, into *bool) {
	v, ok := t.take(name, "boolean")
	if !ok {
		return
	}
	b, ok := v.raw.(bool)
	if !ok {
		t.wrongType(v, "true or false", strconv.FormatBool(*into))
		return
	}
	*into = b
}

func (t *table) integer(name string, low, high int, into *int) (value, bool) {
	v, ok := t.take(name, "integer")
	return v, ok && t.number(v, "a whole number", strconv.Itoa(max(low, *into)), low, high, into)
}

// number checks one integer, which may be an element of a list.
func (t *table) number(v value, kind, example string, low, high int, into *int) bool {
	n, ok := v.raw.(int64)
	switch {
	case !ok:
		t.wrongType(v, kind, example)
	case n < int64(low) || n > int64(high):
		t.complain(v.at, "%s must be from %d to %d; this is %d", v.name, low, high, n)
	default:
		*into = int(n)
		return true
	}
	return false
}

// list is the elements of a list, each with its place. A single string stands for a list of one where alone says so.
func (t *table) list(v value, kind, example string, alone bool) ([]value, bool) {
	if _, ok := v.raw.(string); ok && alone {
		return []value{v}, true
	}
	raw, ok := v.raw.([]any)
	switch {
	case !ok:
		t.wrongType(v, kind, example)
		return nil, false
	case len(raw) == 0 && alone:
		t.complain(v.at, "%s is empty: write %s", v.name, example)
		return nil, false
	}
	elements := make([]value, len(raw))
	for i := range raw {
		at := t.places[join(t.path, v.name)+"["+strconv.Itoa(i)+"]"].value
		elements[i] = value{v.name, raw[i], at}
	}
	return elements, true
}

// texts reads a list of strings.
func (t *table) texts(name, example string, into *[]string) (value, bool) {
	v, ok := t.take(name, "list of strings")
	if !ok {
		return v, false
	}
	elements, ok := t.list(v, "a list of strings", example, false)
	var texts []string
	for _, e := range elements {
		s, isText := e.raw.(string)
		switch {
		case !isText:
			t.wrongType(e, "a list of strings", example)
			ok = false
		case strings.ContainsRune(s, 0):
			t.complain(e.at, "%s cannot hold a zero byte", name)
			ok = false
		}
		texts = append(texts, s)
	}
	if ok {
		*into = texts
	}
	return v, ok
}

// integers reads a list of whole numbers.
func (t *table) integers(name, example string, low, high int, into *[]int) {
	v, ok := t.take(name, "list of integers")
	if !ok {
		return
	}
	elements, ok := t.list(v, "a list of whole numbers", example, false)
	numbers := make([]int, len(elements))
	for i, e := range elements {
		ok = t.number(e, "a list of whole numbers", example, low, high, &numbers[i]) && ok
	}
	if ok {
		*into = numbers
	}
}
