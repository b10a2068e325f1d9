package forms

import (
	"bytes"
	"encoding/json"
)

// The separators of Python, and of those that print no blanks.
const (
	comma      = ","
	colon      = ":"
	commaBlank = ", "
	colonBlank = ": "
)

// dialects are how well-known programs print JSON that they have read, those first that are met most.
func dialects() []dialect {
	javaScript := dialect{name: "as JavaScript's JSON.stringify prints it", numbers: javaScriptNumber,
		order: integersFirst, item: comma, key: colon}
	python := dialect{name: "as Python's json.dumps prints it", numbers: pythonNumber, item: commaBlank, key: colonBlank,
		ascii: true, delete: true}
	list := []dialect{javaScript, python}
	list = append(list, pythons(python)...)
	list = append(list, sorted(javaScript, "as canonical JSON, with sorted keys (RFC 8785)"))
	for _, indent := range []struct{ name, text string }{{"2 blanks", "  "}, {"4 blanks", "    "}, {"tabs", "\t"}} {
		list = append(list, indented(javaScript, "as JavaScript's JSON.stringify prints it with "+indent.name, indent.text))
	}
	for _, indent := range []struct{ name, text string }{{"2", "  "}, {"4", "    "}} {
		lines := indented(python, "as Python's json.dumps prints it with indent="+indent.name, indent.text)
		list = append(list, lines, sorted(lines, lines.name+" and sort_keys"))
	}
	ruby := dialect{name: "as Ruby's to_json prints it", numbers: rubyNumber, item: comma, key: colon, loneFails: true}
	rails := ruby
	rails.name, rails.html = "as Rails' to_json prints it", true
	php := dialect{name: "with / and what is not ASCII escaped, as PHP's json_encode prints it", numbers: javaScriptNumber,
		item: comma, key: colon, ascii: true, slash: true}
	return append(list, ruby, rails, php)
}

// pythons are json.dumps with the options that are used most.
func pythons(plain dialect) []dialect {
	compact := plain
	compact.name, compact.item, compact.key = "as Python's json.dumps prints it without blanks", comma, colon
	var list []dialect
	for _, d := range []dialect{compact, plain} {
		unicode := d
		unicode.name += " and ensure_ascii=False"
		unicode.ascii, unicode.delete, unicode.loneFails = false, false, true
		if d.item == commaBlank {
			unicode.name = d.name + " with ensure_ascii=False"
		} else {
			list = append(list, d)
		}
		list = append(list, unicode)
	}
	for _, d := range append([]dialect{plain}, list...) {
		list = append(list, sorted(d, d.name+", with sort_keys"))
	}
	return list
}

func sorted(d dialect, name string) dialect {
	d.name, d.order = name, byCharacter
	return d
}

func indented(d dialect, name, indent string) dialect {
	d.name, d.item, d.key, d.indent = name, comma, colonBlank, indent
	return d
}

// goPrinters print JSON as Go does, by doing it.
var goPrinters = []struct {
	name            string
	numbers, escape bool
}{
	{"as Go's json.Marshal prints it", false, true},
	{"as Go's json.Marshal prints it with numbers as they came", true, true},
	{"as Go prints it without SetEscapeHTML", false, false},
}

// goPrint returns a text as Go prints what it has read.
func goPrint(text []byte, numbers, escape bool) ([]byte, bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if numbers {
		dec.UseNumber()
	}
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, false
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(escape)
	if err := enc.Encode(v); err != nil {
		return nil, false
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), true
}
