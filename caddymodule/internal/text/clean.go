package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes outside text safe for a table or a terminal: it stays on one line, and what
// cannot be printed becomes "?".
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

// CleanLines makes outside text safe for a log or a terminal and keeps its line ends and
// tabs. Other control characters, and bytes that are not UTF-8, become U+FFFD.
func CleanLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}

// ASCII makes outside text safe for a log where only an id is expected: at most so many
// bytes, and "?" for a blank or what is not printable ASCII.
func ASCII(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.Map(func(c rune) rune {
		if c < 0x21 || c > 0x7e {
			return '?'
		}
		return c
	}, s)
}

// FirstLine cuts off what follows the first line, such as the stack that some errors print.
func FirstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
