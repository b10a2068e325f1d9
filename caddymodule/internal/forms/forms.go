package forms

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// AsItCame is the name of the first form.
const AsItCame = "as it came"

// list gives the forms of one body, each once.
type list struct {
	known map[[sha256.Size]byte]bool
	bytes int
	yield func(Form) bool
	// ended: no more is wanted, or may be.
	ended   bool
	leftOut bool
}

// All calls yield with each form of a body until it returns false, the likeliest first: the body as it came, then JSON
// printed again in each way, and so on for each text that can be unwrapped from it. It reports whether forms were left
// out, as they would be too many or too large. A body of more than MaxBody has one form only.
func All(body []byte, yield func(Form) bool) (leftOut bool) {
	l := list{known: make(map[[sha256.Size]byte]bool), yield: yield}
	l.add(text{}, AsItCame, nil, body)
	if len(body) > MaxBody {
		return true
	}
	for _, t := range texts(body) {
		if l.ended {
			break
		}
		l.textForms(t)
	}
	return l.leftOut
}

// PrintedAs names the ways of printing JSON that give just this body.
func PrintedAs(body []byte) []string {
	var names []string
	if len(body) > MaxBody {
		return nil
	}
	eachPrinted(body, func(name string, printed []byte) bool {
		if bytes.Equal(printed, body) {
			names = append(names, name)
		}
		return true
	})
	return names
}

// tails are what may stand behind a body.
var tails = []struct{ name, bytes string }{
	{"a line feed behind it", "\n"}, {"a carriage return and a line feed behind it", "\r\n"},
}

// textForms adds the forms of one text.
func (l *list) textForms(t text) {
	name := AsItCame
	if len(t.steps) > 0 {
		name = ""
	}
	l.withTails(t, name, nil, t.bytes)
	eachPrinted(t.bytes, func(name string, printed []byte) bool {
		l.withTails(t, name, []Cause{Rewritten}, printed)
		return !l.ended
	})
	if _, ok := parse(t.bytes); !ok && utf8.Valid(t.bytes) && json.Valid(t.bytes) {
		l.leftOut = true // it is nested too deep, or has too many values
	}
	l.edited(t, "", nil, t.bytes)
	if short, ok := compact(t.bytes); ok {
		l.edited(t, edits[0].name, []Cause{Rewritten}, short)
	}
	l.parts(t)
	for _, q := range []struct {
		name  string
		ascii bool
	}{{"put into a JSON string", false}, {"put into a JSON string of ASCII", true}} {
		if quoted, ok := quote(t.bytes, q.ascii); ok {
			l.add(t, q.name, []Cause{Wrapped}, quoted)
		}
	}
	if !bytes.HasPrefix(t.bytes, byteOrderMark) {
		l.add(t, "with a byte order mark before it", []Cause{ByteOrderMark}, append(bytes.Clone(byteOrderMark), t.bytes...))
	}
}

// edited adds a text with each edit, after what has made it.
func (l *list) edited(t text, before string, causes []Cause, from []byte) {
	for _, e := range edits {
		if l.ended {
			return
		}
		if out, ok := e.do(from); ok {
			l.withTails(t, join(before, e.name), append(slices.Clone(causes), e.cause), out)
		}
	}
}

// eachPrinted calls do with each way of printing a text that is JSON, until it returns false.
func eachPrinted(text []byte, do func(name string, printed []byte) bool) {
	v, ok := parse(text)
	if !ok {
		return
	}
	for _, d := range dialects() {
		if printed, ok := d.print(&v); ok && !do(d.name, printed) {
			return
		}
	}
	for _, g := range goPrinters {
		if printed, ok := goPrint(text, g.numbers, g.escape); ok && !do(g.name, printed) {
			return
		}
	}
}

// parts adds what of an event could have been signed alone: its data, and the challenge in it.
func (l *list) parts(t text) {
	event, ok := parse(t.bytes)
	if !ok || event.kind != isObject {
		return
	}
	javaScript := dialects()[0]
	for i, key := range event.keys {
		if key != "data" && key != "payload" {
			continue
		}
		part := &event.items[i]
		if printed, ok := javaScript.print(part); ok {
			l.add(t, "of which only "+key+" counts", []Cause{Part}, printed)
		}
		if at := slices.Index(part.keys, "challenge"); at >= 0 && part.items[at].kind == isString {
			l.add(t, "of which only the challenge counts", []Cause{Part}, []byte(part.items[at].text))
		}
	}
}

// withTails adds a form, and the same with a line end behind it.
func (l *list) withTails(t text, name string, causes []Cause, form []byte) {
	l.add(t, name, causes, form)
	for _, tail := range tails {
		if l.ended || bytes.HasSuffix(form, []byte("\n")) {
			return
		}
		with := slices.Concat(form, []byte(tail.bytes))
		named := strings.TrimPrefix(join(name, "with "+tail.name), AsItCame+", then ")
		l.addForm(Form{
			Name:   join(t.name(), named),
			Causes: slices.Concat(t.causes, causes, []Cause{LineEnds}), Bytes: with, Tail: true,
		})
	}
}

func (l *list) add(t text, name string, causes []Cause, form []byte) {
	l.addForm(Form{Name: join(t.name(), name), Causes: slices.Concat(t.causes, causes), Bytes: form})
}

func (l *list) addForm(f Form) {
	sum := sha256.Sum256(f.Bytes)
	switch {
	case l.ended || l.known[sum]:
		return
	case len(f.Bytes) > maxForm && len(l.known) > 0:
		l.leftOut = true
		return
	case len(l.known) >= maxForms, l.bytes+len(f.Bytes) > maxBytes && len(l.known) > 0:
		l.leftOut, l.ended = true, true
		return
	}
	l.known[sum] = true
	l.bytes += len(f.Bytes)
	l.ended = !l.yield(f)
}

// join puts two steps one behind the other.
func join(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + ", then " + second
}
