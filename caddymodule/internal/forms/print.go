package forms

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// order is how the keys of an object are ordered.
type order byte

const (
	// asRead keeps the order in which they first came.
	asRead order = iota
	// integersFirst has integer-like ones first, by number, as objects of JavaScript have.
	integersFirst
	// byCharacter sorts them by their characters.
	byCharacter
)

// dialect is how a program prints JSON that it has read.
type dialect struct {
	name    string
	numbers numberStyle
	order   order
	// item and key are what stands behind an item and behind a key; indent, where it is not empty, begins each line for
	// each level.
	item, key, indent string
	// ascii escapes all that is not ASCII; delete escapes U+007F too.
	ascii, delete bool
	// html escapes <, >, & and the two line separators of JavaScript; slash escapes /.
	html, slash bool
	// loneFails: it cannot print a lone surrogate.
	loneFails bool
}

// printer prints one value.
type printer struct {
	*dialect
	out    []byte
	failed bool
}

// print returns a value as a dialect prints it; false where it cannot. Of what is larger than maxForm it returns more
// than maxForm, and not all.
func (d *dialect) print(v *value) ([]byte, bool) {
	p := printer{dialect: d}
	p.value(v, 0)
	return p.out, !p.failed
}

func (p *printer) value(v *value, depth int) {
	if p.failed || len(p.out) > maxForm {
		return
	}
	switch v.kind {
	case isLiteral:
		p.out = append(p.out, v.text...)
	case isNumber:
		text, ok := p.numbers(v.text)
		p.failed = !ok
		p.out = append(p.out, text...)
	case isString:
		p.string(v.text)
	case isArray:
		p.list('[', ']', len(v.items), depth, func(i int) { p.value(&v.items[i], depth+1) })
	case isObject:
		places := p.places(v.keys)
		p.list('{', '}', len(v.items), depth, func(i int) {
			if places != nil {
				i = places[i]
			}
			p.string(v.keys[i])
			p.out = append(p.out, p.key...)
			p.value(&v.items[i], depth+1)
		})
	}
}

func (p *printer) list(begin, end byte, n, depth int, item func(i int)) {
	p.out = append(p.out, begin)
	for i := range n {
		if p.failed || len(p.out) > maxForm {
			return
		}
		if i > 0 {
			p.out = append(p.out, p.item...)
		}
		p.line(depth + 1)
		item(i)
	}
	if n > 0 {
		p.line(depth)
	}
	p.out = append(p.out, end)
}

// line begins a line where the dialect has lines.
func (p *printer) line(depth int) {
	if p.indent == "" {
		return
	}
	p.out = append(p.out, '\n')
	for range depth {
		p.out = append(p.out, p.indent...)
	}
}

// places are the places of the keys in the order of the dialect, nil where that is the one in which they are.
func (p *printer) places(keys []string) []int {
	less := strings.Compare
	switch p.order {
	case asRead:
		return nil
	case integersFirst:
		if !slices.ContainsFunc(keys, func(k string) bool { return integerLike(k) >= 0 }) {
			return nil
		}
		less = compareIntegersFirst
	}
	places := make([]int, len(keys))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return less(keys[a], keys[b]) })
	return places
}

func compareIntegersFirst(a, b string) int {
	m, n := integerLike(a), integerLike(b)
	switch {
	case m >= 0 && n >= 0:
		return cmp.Compare(m, n)
	case m >= 0:
		return -1
	case n >= 0:
		return 1
	}
	return 0
}

// integerLike returns the number that a key is to JavaScript, -1 where it is none.
func integerLike(key string) int64 {
	const largest = 1<<32 - 2
	if key == "" || len(key) > 10 || key[0] == '0' && len(key) > 1 {
		return -1
	}
	for i := range len(key) {
		if key[i] < '0' || key[i] > '9' {
			return -1
		}
	}
	n, err := strconv.ParseInt(key, 10, 64)
	if err != nil || n > largest {
		return -1
	}
	return n
}

func (p *printer) string(s string) {
	p.out = append(p.out, '"')
	for len(s) > 0 {
		c, n := decodeRune(s)
		switch {
		case utf16.IsSurrogate(c):
			p.failed = p.failed || p.loneFails
			p.out = appendEscape(p.out, c)
		case c < utf8.RuneSelf:
			p.character(byte(c))
		case p.ascii, p.html && (c == '\u2028' || c == '\u2029'):
			p.out = appendEscape(p.out, c)
		default:
			p.out = append(p.out, s[:n]...)
		}
		s = s[n:]
	}
	p.out = append(p.out, '"')
}

// character prints one of ASCII.
func (p *printer) character(c byte) {
	switch {
	case c == '"' || c == '\\':
		p.out = append(p.out, '\\', c)
	case c == '/' && p.slash:
		p.out = append(p.out, '\\', '/')
	case c == '\b':
		p.out = append(p.out, `\b`...)
	case c == '\f':
		p.out = append(p.out, `\f`...)
	case c == '\n':
		p.out = append(p.out, `\n`...)
	case c == '\r':
		p.out = append(p.out, `\r`...)
	case c == '\t':
		p.out = append(p.out, `\t`...)
	case c < ' ', c == 0x7f && p.delete, p.html && (c == '<' || c == '>' || c == '&'):
		p.out = appendEscape(p.out, rune(c))
	default:
		p.out = append(p.out, c)
	}
}

const lowerHex = "0123456789abcdef"

// appendEscape appends \u and four digits, twice for what is beyond them.
func appendEscape(out []byte, c rune) []byte {
	if high, low := utf16.EncodeRune(c); high != utf8.RuneError {
		return appendEscape(appendEscape(out, high), low)
	}
	return append(out, '\\', 'u', lowerHex[c>>12&0xf], lowerHex[c>>8&0xf], lowerHex[c>>4&0xf], lowerHex[c&0xf])
}
