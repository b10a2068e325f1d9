package forms

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/url"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text is what a body holds once something that was put around it is taken off.
type text struct {
	// steps are what was taken off, as "decompressed from gzip".
	steps  []string
	causes []Cause
	bytes  []byte
}

func (t text) name() string { return strings.Join(t.steps, ", then ") }

// wrapping takes something off; false where there is no such thing.
type wrapping struct {
	name  string
	cause Cause
	off   func(b []byte) ([]byte, bool)
}

var wrappings = []wrapping{
	{"decompressed from gzip", Compressed, gunzip},
	{"decompressed from zlib (deflate)", Compressed, unzlib},
	{"decompressed from raw deflate", Compressed, inflate},
	{"decompressed from zstd", Compressed, unzstd},
	{"without its byte order mark", ByteOrderMark, func(b []byte) ([]byte, bool) {
		return bytes.CutPrefix(b, byteOrderMark)
	}},
	{"as UTF-8 in place of UTF-16", Charset, fromUTF16},
	{"without the blanks and line ends around it", LineEnds, func(b []byte) ([]byte, bool) {
		trimmed := bytes.Trim(b, " \t\r\n")
		return trimmed, len(trimmed) < len(b)
	}},
	{"taken out of the JSON string that it came in", Wrapped, unquote},
	{"decoded from base64", Encoded, fromBase64},
	{"taken out of the form field that it came in", Encoded, fromFormField},
	{"with its HTML entities as characters", Encoded, func(b []byte) ([]byte, bool) {
		plain := html.UnescapeString(string(b))
		return []byte(plain), plain != string(b)
	}},
	{"as UTF-8 in place of Latin-1", Charset, fromLatin1},
	{"as Latin-1 in place of UTF-8", Charset, toLatin1},
}

var byteOrderMark = []byte("\ufeff")

// texts are a body and what can be unwrapped from it, the body first.
func texts(body []byte) []text {
	list := []text{{bytes: body}}
	known := map[[sha256.Size]byte]bool{sha256.Sum256(body): true}
	for i := 0; i < len(list) && len(list) < maxTexts; i++ {
		if len(list[i].steps) == maxLayers {
			continue
		}
		for _, w := range wrappings {
			inner, ok := w.off(list[i].bytes)
			if !ok || len(inner) == 0 || len(inner) > MaxBody || known[sha256.Sum256(inner)] {
				continue
			}
			known[sha256.Sum256(inner)] = true
			list = append(list, text{
				steps:  append(list[i].steps[:len(list[i].steps):len(list[i].steps)], w.name),
				causes: append(list[i].causes[:len(list[i].causes):len(list[i].causes)], w.cause),
				bytes:  inner,
			})
		}
	}
	return list
}

// unquote takes a text out of a JSON string.
func unquote(b []byte) ([]byte, bool) {
	b = bytes.Trim(b, " \t\r\n")
	if len(b) == 0 || b[0] != '"' {
		return nil, false
	}
	v, ok := parse(b)
	return []byte(v.text), ok && v.kind == isString && utf8.ValidString(v.text)
}

// quote puts a text into a JSON string, as JSON.stringify and, with ascii, json.dumps do.
func quote(b []byte, ascii bool) ([]byte, bool) {
	if !utf8.Valid(b) {
		return nil, false
	}
	d := dialect{ascii: ascii, delete: ascii}
	return d.print(&value{kind: isString, text: string(b)})
}

// shortestBase64 is the length from which letters and digits are taken for base64.
const shortestBase64 = 16

func fromBase64(b []byte) ([]byte, bool) {
	b = bytes.Trim(b, " \t\r\n\"")
	if len(b) < shortestBase64 {
		return nil, false
	}
	for _, e := range base64s {
		if plain, err := e.DecodeString(string(b)); err == nil {
			return plain, true
		}
	}
	return nil, false
}

var base64s = []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding}

// fromFormField takes the first field of a form, with its name or without.
func fromFormField(b []byte) ([]byte, bool) {
	if !bytes.Contains(b, []byte("%")) || bytes.ContainsAny(b, "\"{}") {
		return nil, false
	}
	b, _, _ = bytes.Cut(b, []byte("&"))
	if _, field, named := bytes.Cut(b, []byte("=")); named {
		b = field
	}
	plain, err := url.QueryUnescape(string(b))
	return []byte(plain), err == nil
}

func fromUTF16(b []byte) ([]byte, bool) {
	little := bytes.HasPrefix(b, []byte{0xff, 0xfe})
	if !little && !bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return nil, false
	}
	units := make([]uint16, 0, len(b)/2)
	for b = b[2:]; len(b) >= 2; b = b[2:] {
		if unit := uint16(b[0]) | uint16(b[1])<<8; little {
			units = append(units, unit)
		} else {
			units = append(units, unit<<8|unit>>8)
		}
	}
	return []byte(string(utf16.Decode(units))), true
}

// fromLatin1 reads each byte as a character; only where the bytes are no UTF-8.
func fromLatin1(b []byte) ([]byte, bool) {
	if utf8.Valid(b) {
		return nil, false
	}
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return out, true
}

// toLatin1 is the way back, for UTF-8 that was read as Latin-1 and written as UTF-8 again.
func toLatin1(b []byte) ([]byte, bool) {
	if !utf8.Valid(b) {
		return nil, false
	}
	out, more := make([]byte, 0, len(b)), false
	for _, c := range string(b) {
		if c > 0xff {
			return nil, false
		}
		more = more || c >= utf8.RuneSelf
		out = append(out, byte(c))
	}
	return out, more
}
