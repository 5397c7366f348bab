package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// payloads reads the arguments PAYLOAD: the text itself, @FILE for a file's bytes, - for those of stdin, @@text for a text with an @ in front.
func (ui *tui) payloads(args []string) ([][]byte, error) {
	all := make([][]byte, len(args))
	stdin := false
	for i, arg := range args {
		var err error
		switch path, isFile := strings.CutPrefix(arg, "@"); {
		case arg == "-" && stdin:
			return nil, &usageError{"cannot read stdin twice", "write - once"}
		case arg == "-":
			stdin = true
			all[i], err = io.ReadAll(ui.in)
		case isFile && strings.HasPrefix(path, "@"):
			all[i] = []byte(path)
		case isFile:
			all[i], err = os.ReadFile(path)
		default:
			all[i] = []byte(arg)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the payload %s: %w", arg, err)
		}
	}
	return all, nil
}
