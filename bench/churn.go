package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/zfleet/zfleet/bench/page"
)

// churnTool is how the place for these figures in the docs names this tool.
const churnTool = "bench/run -churn"

// doChurn measures what clients notice of what happens to a fleet.
func doChurn(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "zfleet-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := compile(ctx, dir); err != nil {
		return err
	}
	r := newChurnReport(ctx, s)
	for _, c := range churnCases {
		f, err := c.measure(ctx, s, dir)
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", c.name, err)
		}
		fmt.Fprintf(stderr, "%-10s %s\n", c.name, f)
		r.Runs[c.name] = f
	}
	r.fill()
	if s.docs != "" {
		if err := page.Update(s.docs, churnTool, r.text()); err != nil {
			return err
		}
	}
	if s.json {
		return writeJSON(stdout, r)
	}
	_, err = io.WriteString(stdout, r.text())
	return err
}
