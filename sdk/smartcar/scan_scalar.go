package smartcar

import (
	"bytes"
	"encoding/json"
)

// key passes over a member's key, the colon and the blanks around it, and returns
// the key without its quotes.
func (s *scanner) key() ([]byte, bool) {
	from := s.i
	if s.peek() != '"' || !s.str() {
		return nil, false
	}
	quoted := s.b[from:s.i]
	s.blanks()
	if s.peek() != ':' {
		return nil, false
	}
	s.i++
	s.blanks()
	key := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(key, '\\') < 0 {
		return key, true
	}
	// Nobody spells a key with escapes, but then it means the same.
	return []byte(unquote(quoted)), true
}

// unquote returns the text of a string of JSON, which must be valid.
func unquote(quoted []byte) string {
	if spelt(quoted) {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	_ = json.Unmarshal(quoted, &text) // it is valid, and so cannot fail
	return text
}

// spelt reports whether the string of JSON is spelt as it is: it has no escapes,
// and no bytes that might not be UTF-8.
func spelt(quoted []byte) bool {
	for _, c := range quoted {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// scalar passes over a string, a number or a literal.
func (s *scanner) scalar() bool {
	switch c := s.peek(); {
	case c == '"':
		return s.str()
	case c == '-' || isDigit(c):
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return false
}

// special has the bytes that are not a character of a string by themselves.
var special = buildSpecial()

func buildSpecial() (special [256]bool) {
	for c := range ' ' {
		special[c] = true
	}
	special['"'], special['\\'] = true, true
	return special
}

// str passes over a string; s.i is at its opening quote.
func (s *scanner) str() bool {
	b, i := s.b, s.i+1
	for i < len(b) {
		for !special[b[i]] {
			if i++; i == len(b) {
				s.i = i
				return false
			}
		}
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			return true
		case c == '\\':
			n := escape(b[i:])
			if n == 0 {
				s.i = i
				return false
			}
			i += n
		case c < ' ':
			s.i = i
			return false
		default:
			i++
		}
	}
	s.i = i
	return false
}

// escape returns the length of the escape sequence at the start of b, 0 if there
// is no such.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return 0
			}
		}
		return 6
	}
	return 0
}

// number passes over a number; s.i is at its sign or first digit.
func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.i++
	}
	switch {
	case s.peek() == '0':
		s.i++
	case !s.digits():
		return false
	}
	if s.peek() == '.' {
		s.i++
		if !s.digits() {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		return s.digits()
	}
	return true
}

// digits passes over digits, of which there must be one at least.
func (s *scanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && isDigit(s.b[s.i]) {
		s.i++
	}
	return s.i > from
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) literal(word string) bool {
	for i := range len(word) {
		if s.peek() != word[i] {
			return false
		}
		s.i++
	}
	return true
}
