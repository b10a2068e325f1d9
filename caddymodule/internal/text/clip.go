package text

import "strings"

const ellipsis = "…"

// Shorten cuts a text to a width in characters, on one line.
func Shorten(s string, width int) string {
	s = Clean(s)
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-1]) + ellipsis
	}
	return s
}

// Clip cuts a text to a size in bytes, which must be at least 3, and no character in two. A
// byte that is not UTF-8 becomes "?".
func Clip(s string, most int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len(ellipsis)], "") + ellipsis
}
