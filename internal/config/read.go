package config

import (
	"path/filepath"
	"slices"

	"github.com/zfleet/zfleet/internal/endpoint"
)

// read fills in a File from the root table.
func (p *parser) read(root *table) File {
	f := defaultFile(p.opts)
	if v, ok := root.text("name", f.Spec.Name, &f.Spec.Name); ok && !namePattern.MatchString(f.Spec.Name) {
		p.complain(v.at, "fleet name %q: %s", f.Spec.Name, nameRule)
	}
	pluginDir := p.pluginDir(root)
	if _, ok := root.text("state_dir", "state", &f.State); ok {
		f.State = p.absolute(f.State)
	}
	p.orNone(root, "orphan_grace", soonest, &f.Spec.OrphanGrace)
	p.log(root.table("log"), &f.Log)
	p.admin(root.table("admin"), &f.Admin)
	services := root.table("service")
	bound := &bindings{parser: p}
	for _, name := range p.serviceNames(services) {
		f.Spec.Services = append(f.Spec.Services, p.service(services.table(name), name, pluginDir, bound))
	}
	root.done()
	return f
}

func (p *parser) pluginDir(root *table) string {
	dir := defaultPluginDir
	v, ok := root.text("plugin_dir", dir, &dir)
	dir = p.absolute(dir)
	if ok {
		p.checkDir(v, dir)
	}
	return dir
}

func (p *parser) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(p.opts.Folder, path)
}

func (p *parser) checkDir(v value, dir string) {
	if err := p.opts.Lookup.Dir(dir); err != nil {
		p.complain(v.at, "%s: %v", v.name, err)
	}
}

func (p *parser) log(t *table, into *Log) {
	t.choice("level", []string{"trace", "debug", "info", "warn", "error"}, &into.Level)
	t.choice("format", []string{"auto", "console", "json"}, &into.Format)
	t.boolean("workers", &into.Workers)
	t.size("keep", 0, &into.Keep)
	t.integer("files", 1, 100, &into.Files)
	t.duration("keep_unused", 0, &into.KeepUnused)
	t.done()
}

func (p *parser) admin(t *table, into *Admin) {
	if v, ok := t.text("socket", "admin.sock", &into.Socket); ok {
		into.Socket = p.absolute(into.Socket)
		if _, err := endpoint.Parse("ipc://" + into.Socket); err != nil {
			p.complain(v.at, "socket: %v", err)
		}
	}
	t.done()
}

// serviceNames are in the file's order: signals scale the first service. Names that cannot be are complained of and left out.
func (p *parser) serviceNames(services *table) []string {
	if _, written := p.places[services.path]; !written || services.values != nil && len(services.values) == 0 {
		p.complain(p.places[services.path].key, "there is no service: write [service.NAME] with frontend, backend and workers")
	}
	var names []string
	for name, raw := range services.values {
		at := p.places[join(services.path, name)].key
		_, isTable := raw.(map[string]any)
		switch {
		case !isTable:
			p.complain(at, "a service has a name: write [service.NAME] above %s", shown(name))
		case !namePattern.MatchString(name):
			p.complain(at, "service name %s: %s", shown(name), nameRule)
		case name == "proxy":
			p.complain(at, "a service cannot be called proxy: that is what the part between clients and workers is called")
		default:
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return p.places[join(services.path, a)].key.start - p.places[join(services.path, b)].key.start
	})
	return names
}
