package postgres

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

const (
	// maxDepth is how deep arrays and objects may be nested. The database takes some thousands, by the size of its stack.
	maxDepth = 500
	// maxNumber bounds the digits of a number and its exponent. The database takes 131072 digits before the point.
	maxNumber = 1000
)

// jsonText returns raw as text that jsonb takes, nil where it would refuse it: what is no JSON, no UTF-8, has \u0000 or
// half a surrogate pair in a string, is nested too deep, or has a number without bounds. It may refuse more than the
// database, never less: one value must not keep a batch from being written.
func jsonText(raw []byte) *string {
	if !utf8.Valid(raw) || !json.Valid(raw) || !jsonbTakes(raw) {
		return nil
	}
	text := string(raw)
	return &text
}

// jsonbTakes looks at valid JSON for what only jsonb refuses.
func jsonbTakes(raw []byte) bool {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		case c == '"':
			end, ok := scanString(raw, i+1)
			if !ok {
				return false
			}
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end, ok := scanNumber(raw, i)
			if !ok {
				return false
			}
			i = end - 1
		}
	}
	return true
}

// scanString returns where the string ends that begins after a quote at i-1: the place of its other quote.
func scanString(raw []byte, i int) (end int, ok bool) {
	for raw[i] != '"' {
		if raw[i] != '\\' {
			i++
			continue
		}
		if raw[i+1] != 'u' {
			i += 2
			continue
		}
		switch unit := escaped(raw, i); {
		case unit == 0, unit >= 0xDC00 && unit <= 0xDFFF:
			return 0, false
		case unit >= 0xD800 && unit <= 0xDBFF:
			if low := escaped(raw, i+6); low < 0xDC00 || low > 0xDFFF {
				return 0, false
			}
			i += 6
		}
		i += 6
	}
	return i, true
}

// escaped is the code unit of an escape such as \u00e4 at i, -1 where there is none.
func escaped(raw []byte, i int) int {
	if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(unit)
}

// scanNumber returns where the number at i ends.
func scanNumber(raw []byte, i int) (end int, ok bool) {
	exponent := -1
	end = i
	for ; end < len(raw); end++ {
		switch c := raw[end]; {
		case c == 'e' || c == 'E':
			exponent = end + 1
		case c != '+' && c != '-' && c != '.' && (c < '0' || c > '9'):
			return end, withinBounds(raw[i:end], exponent-i)
		}
	}
	return end, withinBounds(raw[i:end], exponent-i)
}

func withinBounds(number []byte, exponent int) bool {
	if len(number) > maxNumber {
		return false
	}
	if exponent < 0 {
		return true
	}
	n, err := strconv.Atoi(string(number[exponent:]))
	return err == nil && n >= -maxNumber && n <= maxNumber
}
