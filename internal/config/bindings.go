package config

import (
	"fmt"

	"github.com/zfleet/zfleet/internal/endpoint"
)

// bindings are the endpoints that the file's services listen on. No two may be the same.
type bindings struct {
	*parser
	all []binding
}

type binding struct {
	endpoint endpoint.Endpoint
	owner    string // frontend of service hello
}

// endpoints reads one endpoint or a list of them, and returns them as libzmq spells them.
func (b *bindings) endpoints(t *table, service, name, example string) []string {
	v, ok := t.take(name, "string or list of strings")
	if !ok {
		b.complain(t.header(), "service %s has no %s: write %s = %q", service, name, name, example)
		return nil
	}
	elements, _ := t.list(v, "an endpoint or a list of them", fmt.Sprintf("%q", example), true)
	var spelt []string
	for _, element := range elements {
		e, err := b.endpoint(element)
		if err != nil {
			b.complain(element.at, "%v", err)
			continue
		}
		b.bind(element, e, name+" of service "+service)
		spelt = append(spelt, e.String())
	}
	return spelt
}

func (b *bindings) endpoint(v value) (endpoint.Endpoint, error) {
	s, ok := v.raw.(string)
	if !ok {
		return endpoint.Endpoint{}, fmt.Errorf("%s must be an endpoint, such as \"tcp://*:5559\"; this is %s", v.name, typeOf(v.raw))
	}
	e, err := endpoint.Parse(s)
	if err != nil {
		return e, err
	}
	return e.In(b.opts.Folder)
}

func (b *bindings) bind(v value, e endpoint.Endpoint, owner string) {
	for _, other := range b.all {
		if other.endpoint.Clashes(e) {
			b.complain(v.at, "%s clashes with %s, the %s: choose another one", e, other.endpoint, other.owner)
			return
		}
	}
	b.all = append(b.all, binding{e, owner})
}
