package main

import (
	"fmt"
	"os"
	"strings"
)

// The figures in the docs stand between these two lines and are replaced as a whole.
const (
	docsBegin = "<!-- figures: bench/run -update-docs -->\n"
	docsEnd   = "<!-- end of figures -->\n"
)

// updateDocs writes the report's table into a Markdown file.
func updateDocs(path string, r report) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated, err := replaceFigures(string(page), r.text())
	if err != nil {
		return fmt.Errorf("cannot update %s: %w", path, err)
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}

func replaceFigures(page, figures string) (string, error) {
	before, rest, ok := strings.Cut(page, docsBegin)
	_, after, ok2 := strings.Cut(rest, docsEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("there is no place for the figures:\n%sand further down\n%s", docsBegin, docsEnd)
	}
	return before + docsBegin + "\n" + figures + "\n" + docsEnd + after, nil
}
