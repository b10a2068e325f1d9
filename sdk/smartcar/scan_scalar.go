package smartcar

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
)

// byteAt returns b[i], 0 behind the end. No JSON text has a 0 outside a string, so the
// two need no telling apart.
func byteAt(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

// passBlanks and the others return where to go on, or where it went wrong and false.
func passBlanks(b []byte, i int) int {
	// Smartcar sends none.
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// passKey passes over a member's key, the colon and the blanks around it.
func passKey(b []byte, i int) (int, bool) {
	if byteAt(b, i) != '"' {
		return i, false
	}
	i, ok := passString(b, i)
	if !ok {
		return i, false
	}
	if i = passBlanks(b, i); byteAt(b, i) != ':' {
		return i, false
	}
	return passBlanks(b, i+1), true
}

// key passes over a member's key, the colon and the blanks around it, and returns
// the key without its quotes.
func (s *scanner) key() ([]byte, bool) {
	from := s.i
	to, ok := s.i, false
	if s.peek() == '"' {
		to, ok = passString(s.b, s.i)
	}
	s.i = to
	if !ok {
		return nil, false
	}
	s.blanks()
	if s.peek() != ':' {
		return nil, false
	}
	s.i++
	s.blanks()
	key := s.b[from+1 : to-1]
	if bytes.IndexByte(key, '\\') < 0 {
		return key, true
	}
	// Nobody spells a key with escapes, but then it means the same.
	return []byte(unquote(s.b[from:to])), true
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
	i := 0
	for ; i+8 <= len(quoted); i += 8 {
		w := binary.LittleEndian.Uint64(quoted[i:])
		e := w ^ backslashes
		if (w|(e-ones)&^e)&highBits != 0 {
			return false
		}
	}
	for _, c := range quoted[i:] {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// passScalar passes over a string, a number or a literal.
func passScalar(b []byte, i int) (int, bool) {
	switch c := byteAt(b, i); {
	case c == '"':
		return passString(b, i)
	case c == '-' || isDigit(c):
		return passNumber(b, i)
	case c == 't':
		return passLiteral(b, i, "true")
	case c == 'f':
		return passLiteral(b, i, "false")
	case c == 'n':
		return passLiteral(b, i, "null")
	}
	return i, false
}

// passString passes over a string; i is at its opening quote.
func passString(b []byte, i int) (int, bool) {
	for i++; ; {
		if i = passPlain(b, i); i == len(b) {
			return i, false
		}
		switch b[i] {
		case '"':
			return i + 1, true
		case '\\':
			n := escape(b[i:])
			if n == 0 {
				return i, false
			}
			i += n
		default:
			return i, false
		}
	}
}

// Eight bytes at once: each constant has one byte eight times.
const (
	ones        = 0x0101010101010101
	highBits    = 0x80 * ones
	spaces      = ' ' * ones
	quotes      = '"' * ones
	backslashes = '\\' * ones
)

// passPlain passes over the characters of a string that stand for themselves, eight at a
// time: it stops at a quote, a backslash, a control character or the end.
func passPlain(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		q, e := w^quotes, w^backslashes
		// A subtraction sets the high bit of the first byte that it makes negative, and perhaps
		// wrongly of some behind it.
		if m := ((w-spaces)&^w | (q-ones)&^q | (e-ones)&^e) & highBits; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
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

// passNumber passes over a number; i is at its sign or first digit.
func passNumber(b []byte, i int) (int, bool) {
	if byteAt(b, i) == '-' {
		i++
	}
	var ok bool
	if byteAt(b, i) == '0' {
		i++
	} else if i, ok = passDigits(b, i); !ok {
		return i, false
	}
	if byteAt(b, i) == '.' {
		if i, ok = passDigits(b, i+1); !ok {
			return i, false
		}
	}
	if byteAt(b, i)|0x20 != 'e' {
		return i, true
	}
	if i++; byteAt(b, i) == '+' || byteAt(b, i) == '-' {
		i++
	}
	return passDigits(b, i)
}

// passDigits passes over digits, of which there must be one at least.
func passDigits(b []byte, i int) (int, bool) {
	from := i
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i, i > from
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func passLiteral(b []byte, i int, word string) (int, bool) {
	for k := range len(word) {
		if byteAt(b, i) != word[k] {
			return i, false
		}
		i++
	}
	return i, true
}
