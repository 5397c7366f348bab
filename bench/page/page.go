// Package page writes the figures of a tool into a page of the docs, between two lines that the page has for it: Update.
package page

import (
	"fmt"
	"os"
	"strings"
)

// end is the same for all tools.
const end = "<!-- end of figures -->\n"

// Update replaces what stands in the Markdown file between the line of that tool and the end of its figures.
func Update(path, tool, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated, err := replace(string(old), tool, text)
	if err != nil {
		return fmt.Errorf("cannot update %s: %w", path, err)
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}

// begin is the line that says whose figures follow.
func begin(tool string) string { return "<!-- figures: " + tool + " -update-docs -->\n" }

func replace(old, tool, text string) (string, error) {
	before, rest, ok := strings.Cut(old, begin(tool))
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("there is no place for the figures:\n%sand further down\n%s", begin(tool), end)
	}
	return before + begin(tool) + "\n" + text + "\n" + end + after, nil
}
