package text

import (
	"strings"
	"unicode"
)

// Clean keeps a text on one line and takes out what is not printed.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		default:
			return r
		}
	}, s)
	return strings.TrimSpace(s)
}

// Shorten cuts a text to a width.
func Shorten(s string, width int) string {
	s = Clean(s)
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return s
}
