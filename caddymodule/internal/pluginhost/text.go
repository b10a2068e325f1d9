package pluginhost

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds a text that a plugin gives, in bytes: an error of a handler, a
// line in an error of ours.
const maxText = 1 << 10

// capText is s, printable and at most maxText bytes long.
func capText(s string) string { return capTo(s, maxText) }

// capTo cuts s to at most n bytes, at a rune's border, and says so with "…".
func capTo(s string, n int) string {
	s = cleanText(s)
	if len(s) <= n {
		return s
	}
	const mark = "…"
	s = s[:n-len(mark)]
	for len(s) > 0 {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + mark
}

// cleanText makes s safe for a terminal and a log: no control characters but line
// ends and tabs, no bytes that are not UTF-8.
func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}
