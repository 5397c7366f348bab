package workerkit

import (
	"io"
	"os"
	"text/template"
)

// helpText is what a worker says of itself.
var helpText = template.Must(template.New("help").Parse(`{{.Name}} {{.Version}}{{with .Description}}: {{.}}{{end}}

This is a zfleet worker. It answers the requests that a zfleet proxy, or any ZeroMQ DEALER, hands it. Declare it in fleet.toml:

  [service.{{.Name}}]
  frontend = "tcp://*:5559"
  backend = "tcp://*:5560"

  [service.{{.Name}}.workers]
  plugin = "{{.Path}}"
  count = 2

and run

  zfleet up fleet.toml

To run one worker alone, against a proxy that is there already:

  {{.Name}} --connect tcp://127.0.0.1:5560

Flags:
  --connect ENDPOINT   where to connect to; more than once for several
  --concurrency N      requests to handle at a time (default {{.Concurrency}})
  --version            show the version
  --help               show this
`))

func (p *program) help(w io.Writer) {
	path, err := os.Executable()
	if err != nil {
		path = p.options.name
	}
	_ = helpText.Execute(w, map[string]any{ // to a terminal: there is nobody to tell that it failed
		"Name":        p.options.name,
		"Version":     p.options.version,
		"Description": p.options.description,
		"Path":        path,
		"Concurrency": p.options.concurrency,
	})
}
