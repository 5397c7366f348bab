package dead

import (
	"strconv"
	"strings"
	"time"
)

// idLength is enough for milliseconds in base 36 until the year 5188, and all ids have it, so that they sort as text.
const idLength = 9

// nextID is the time, or one more than the last id where the clock has not moved, or was set back.
func nextID(now time.Time, last string) string {
	n := max(now.UnixMilli(), 0)
	if before, err := strconv.ParseInt(last, 36, 64); err == nil {
		n = max(n, before+1)
	}
	id := strconv.FormatInt(n, 36)
	return strings.Repeat("0", max(idLength-len(id), 0)) + id
}
