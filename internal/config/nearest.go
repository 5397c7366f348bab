package config

import "strings"

// nearest finds the name that was meant by a misspelt one: the one with the fewest changed, missing, additional or swapped letters, if
// they are few.
func nearest(name string, names []string) (string, bool) {
	best, found := "", false
	limit := 1 + len(name)/3
	for _, candidate := range names {
		if len(name) > len(candidate)+limit {
			continue
		}
		if d := distance(strings.ToLower(name), candidate); d <= limit {
			best, found, limit = candidate, true, d-1
		}
	}
	return best, found
}

// distance is the optimal string alignment distance of two names.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}
