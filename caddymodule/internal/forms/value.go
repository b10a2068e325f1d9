package forms

import (
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is what a JSON value is.
type kind byte

const (
	isLiteral kind = iota // null, true or false
	isNumber
	isString
	isArray
	isObject
)

// value is JSON that was read. Of keys that come twice the last value counts, at the place of the first, as JavaScript,
// Python and Ruby have it.
type value struct {
	kind kind
	// text of a literal and of a number is as it was written; a string has no escapes, and a lone surrogate in it
	// stands as three bytes, which no valid UTF-8 has.
	text  string
	keys  []string // of an object, one for each item
	items []value
}

// reader reads JSON that encoding/json has found valid.
type reader struct {
	in     []byte
	at     int
	values int
}

// parse returns what JSON there is in a text; false where it is none, is nested too deep, or has too many values.
func parse(text []byte) (value, bool) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return value{}, false
	}
	r := reader{in: text}
	return r.value(0)
}

// next skips blanks, and returns the byte behind them.
func (r *reader) next() byte {
	for r.in[r.at] == ' ' || r.in[r.at] == '\t' || r.in[r.at] == '\n' || r.in[r.at] == '\r' {
		r.at++
	}
	return r.in[r.at]
}

func (r *reader) value(depth int) (value, bool) {
	if r.values++; depth > maxDepth || r.values > maxValues {
		return value{}, false
	}
	switch c := r.next(); c {
	case '"':
		return value{kind: isString, text: r.string()}, true
	case '[':
		return r.array(depth)
	case '{':
		return r.object(depth)
	case 'n', 't', 'f':
		return value{kind: isLiteral, text: r.word()}, true
	default:
		return value{kind: isNumber, text: r.word()}, true
	}
}

// word is a number or a literal.
func (r *reader) word() string {
	begin := r.at
	for r.at < len(r.in) {
		switch r.in[r.at] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return string(r.in[begin:r.at])
		}
		r.at++
	}
	return string(r.in[begin:])
}

func (r *reader) array(depth int) (value, bool) {
	v := value{kind: isArray}
	r.at++
	if r.next() == ']' {
		r.at++
		return v, true
	}
	for {
		item, ok := r.value(depth + 1)
		if !ok {
			return value{}, false
		}
		v.items = append(v.items, item)
		end := r.next() == ']'
		r.at++
		if end {
			return v, true
		}
	}
}

func (r *reader) object(depth int) (value, bool) {
	v := value{kind: isObject}
	r.at++
	if r.next() == '}' {
		r.at++
		return v, true
	}
	place := make(map[string]int)
	for {
		r.next()
		key := r.string()
		r.next()
		r.at++ // the colon
		item, ok := r.value(depth + 1)
		if !ok {
			return value{}, false
		}
		if i, known := place[key]; known {
			v.items[i] = item
		} else {
			place[key] = len(v.keys)
			v.keys, v.items = append(v.keys, key), append(v.items, item)
		}
		end := r.next() == '}'
		r.at++
		if end {
			return v, true
		}
	}
}

// string reads a string and what its escapes stand for.
func (r *reader) string() string {
	r.at++
	begin := r.at
	for r.in[r.at] != '"' && r.in[r.at] != '\\' {
		r.at++
	}
	s := append([]byte(nil), r.in[begin:r.at]...)
	for r.in[r.at] != '"' {
		if r.in[r.at] != '\\' {
			s = append(s, r.in[r.at])
			r.at++
			continue
		}
		c, n := escaped(r.in[r.at:])
		s = appendRune(s, c)
		r.at += n
	}
	r.at++
	return string(s)
}

// escaped returns what the escape stands for that a text begins with, and how long it is: two surrogates that belong
// together are one.
func escaped(text []byte) (rune, int) {
	switch c := text[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(c), 2
	}
	first := hex4(text[2:])
	if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if both := utf16.DecodeRune(first, hex4(text[8:])); both != utf8.RuneError {
			return both, 12
		}
	}
	return first, 6
}

func hex4(digits []byte) rune {
	n, err := strconv.ParseUint(string(digits[:4]), 16, 16)
	if err != nil {
		return utf8.RuneError // not in valid JSON
	}
	return rune(n)
}

// appendRune is utf8.AppendRune, with a lone surrogate as three bytes in the way of UTF-8.
func appendRune(s []byte, c rune) []byte {
	if utf16.IsSurrogate(c) {
		return append(s, 0xe0|byte(c>>12), 0x80|byte(c>>6&0x3f), 0x80|byte(c&0x3f))
	}
	return utf8.AppendRune(s, c)
}

// decodeRune is the counterpart of appendRune.
func decodeRune(s string) (rune, int) {
	c, n := utf8.DecodeRuneInString(s)
	if c == utf8.RuneError && n == 1 && len(s) >= 3 && s[0] == 0xed {
		return rune(s[0]&0xf)<<12 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return c, n
}
