package forms

import (
	"bytes"
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// edit changes how a text is written, and nothing of what it says; false where it cannot.
type edit struct {
	name  string
	cause Cause
	do    func(text []byte) ([]byte, bool)
}

// edits are those of a JSON text that keep its order and numbers.
var edits = []edit{
	{"without blanks between its parts", Rewritten, compact},
	{"with its \\u escapes as characters", Escaped, unescape},
	{"with its \\u escapes and \\/ as characters", Escaped, func(t []byte) ([]byte, bool) { return unescape(unescapeSlashes(t)) }},
	{"with what is not ASCII as \\u escapes", Escaped, escapeSmall},
	{"with what is not ASCII as \\u escapes in capitals", Escaped, escapeCapitals},
	{"with / as \\/", Escaped, escapeSlashes},
	{"with <, > and & as \\u escapes", Escaped, escapeHTML},
	{"with line ends of one line feed each", LineEnds, func(t []byte) ([]byte, bool) {
		return bytes.ReplaceAll(t, []byte("\r\n"), []byte("\n")), true
	}},
	{"with line ends of carriage return and line feed", LineEnds, func(t []byte) ([]byte, bool) {
		unix := bytes.ReplaceAll(t, []byte("\r\n"), []byte("\n"))
		return bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n")), true
	}},
}

func compact(text []byte) ([]byte, bool) {
	var out bytes.Buffer
	err := json.Compact(&out, text)
	return out.Bytes(), err == nil
}

func escapeHTML(text []byte) ([]byte, bool) {
	var out bytes.Buffer
	json.HTMLEscape(&out, text)
	return out.Bytes(), true
}

func escapeSlashes(text []byte) ([]byte, bool) {
	return bytes.ReplaceAll(unescapeSlashes(text), []byte("/"), []byte(`\/`)), true
}

func unescapeSlashes(text []byte) []byte {
	return rewriteEscapes(text, func(out, escape []byte) []byte {
		if string(escape) == `\/` {
			return append(out, '/')
		}
		return append(out, escape...)
	})
}

// unescape writes characters for \u escapes, but for those that JSON wants, and for lone surrogates.
func unescape(text []byte) ([]byte, bool) {
	plain := rewriteEscapes(text, func(out, escape []byte) []byte {
		if escape[1] != 'u' {
			return append(out, escape...)
		}
		c, _ := escaped(escape)
		if c < ' ' || c == '"' || c == '\\' || utf16.IsSurrogate(c) {
			return append(out, escape...)
		}
		return utf8.AppendRune(out, c)
	})
	return plain, true
}

// rewriteEscapes passes each whole escape of a text on, two surrogates that belong together as one, and keeps the rest.
func rewriteEscapes(text []byte, rewrite func(out, escape []byte) []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		next := bytes.IndexByte(text, '\\')
		if next < 0 || next+1 == len(text) {
			break
		}
		out = append(out, text[:next]...)
		text = text[next:]
		n := 2
		if text[1] == 'u' {
			if !isEscape(text) {
				out, text = append(out, text[:2]...), text[2:]
				continue
			}
			if n = 6; len(text) >= 12 && isEscape(text[6:]) {
				_, n = escaped(text)
			}
		}
		out = rewrite(out, text[:n])
		text = text[n:]
	}
	return append(out, text...)
}

// isEscape reports whether a text begins with \u and four digits.
func isEscape(text []byte) bool {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return false
	}
	for _, c := range text[2:6] {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

func escapeSmall(text []byte) ([]byte, bool)    { return escapeAll(text, false) }
func escapeCapitals(text []byte) ([]byte, bool) { return escapeAll(text, true) }

// escapeAll writes escapes for what is not ASCII, with small letters as digits or capitals.
func escapeAll(text []byte, capitals bool) ([]byte, bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	out := make([]byte, 0, len(text))
	for _, c := range string(text) {
		if c < utf8.RuneSelf {
			out = append(out, byte(c))
			continue
		}
		begin := len(out)
		out = appendEscape(out, c)
		for i := begin; capitals && i < len(out); i++ {
			if out[i] >= 'a' && out[i] <= 'f' {
				out[i] -= 'a' - 'A'
			}
		}
	}
	return out, true
}
