package text

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the one of names that is closest to given, or "" when none is
// close: equal but for the case of letters, or at most two edits away and sharing
// at least half of the letters. The first of equally close names wins.
func Nearest(given string, names []string) string {
	best, bestDistance := "", 3
	for _, name := range names {
		if strings.EqualFold(given, name) {
			return name
		}
		distance := levenshtein.Distance(given, name, nil)
		if distance >= bestDistance || 2*distance > min(len(given), len(name)) {
			continue
		}
		best, bestDistance = name, distance
	}
	return best
}

// DidYouMean is Nearest as a sentence to append to a message: ` Did you mean "x"?`, or ""
// when no name is close.
func DidYouMean(given string, names []string) string {
	name := Nearest(given, names)
	if name == "" {
		return ""
	}
	return ` Did you mean "` + name + `"?`
}
