package forms

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
)

// event is a body as Smartcar sends them, with what serialisers differ in.
const event = `{"eventId":"a9f3","eventType":"VEHICLE_STATE","data":{"nickname":"Käfer <1>","url":"https://x/y","n":[17,63.5]},"meta":{"mode":"LIVE"}}`

func compressed(t *testing.T, compressor func(w io.Writer) io.WriteCloser, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := compressor(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func gzipped(w io.Writer) io.WriteCloser  { return gzip.NewWriter(w) }
func zlibbed(w io.Writer) io.WriteCloser  { return zlib.NewWriter(w) }
func deflated(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 9); return f }
func zstded(w io.Writer) io.WriteCloser   { z, _ := zstd.NewWriter(w); return z }

func asUTF16(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

func asLatin1(text string) string {
	out, _ := toLatin1([]byte(text))
	return string(out)
}

func mangled(text string) string {
	out := ""
	for i := range len(text) {
		out += string(rune(text[i]))
	}
	return out
}

func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}

func indentedText(text string) string {
	var out bytes.Buffer
	_ = json.Indent(&out, []byte(text), "", "  ")
	return out.String()
}

// What was signed is found among the forms of what came.
func TestForms(t *testing.T) {
	for name, tt := range map[string]struct{ signed, came, form, causes string }{
		"nothing was done":         {event, event, "as it came", ""},
		"no JSON":                  {"abc", "abc", "as it came", ""},
		"indented":                 {event, indentedText(event), "as JavaScript's JSON.stringify prints it", "rewritten"},
		"17.0":                     {`{"a":17}`, `{"a":17.0}`, "as JavaScript's JSON.stringify prints it", "rewritten"},
		"17.0, indented":           {`{"a":17.0}`, "{\n\"a\": 17.0}", "as Python's json.dumps prints it without blanks", "rewritten"},
		"17.00, indented":          {`{"b":17.00,"a":1}`, "{\n\"b\": 17.00, \"a\":1}", "without blanks between its parts", "rewritten"},
		"python signs":             {`{"a": 1, "b": "\u00e4"}`, `{"a":1,"b":"ä"}`, "as Python's json.dumps prints it", "rewritten"},
		"sorted":                   {`{"a":1,"b":2}`, `{"b":2,"a":1}`, "as Python's json.dumps prints it without blanks, with sort_keys", "rewritten"},
		"go signs":                 {`{"a":"\u003c","b":"é"}`, `{"b":"é","a":"<"}`, "as Go's json.Marshal prints it", "rewritten"},
		"ruby signs":               {`{"a":1.0e+20}`, `{"a":1e20}`, "as Ruby's to_json prints it", "rewritten"},
		"rails signs":              {`{"a":"\u003cé"}`, `{"a":"<é"}`, "as Rails' to_json prints it", "rewritten"},
		"php signs":                {`{"a":"\/\u00e9"}`, `{"a":"/é"}`, "with / and what is not ASCII escaped, as PHP's json_encode prints it", "rewritten"},
		"an escape was put in":     {`{"b": "é", "b":1.50}`, `{"b": "\u00e9", "b":1.50}`, `with its \u escapes as characters`, "escaped"},
		"a pair of them":           {`{"b": "😀", "b":1.50}`, `{"b": "\uD83D\ude00", "b":1.50}`, `with its \u escapes as characters`, "escaped"},
		"escapes in capitals":      {`{"b": "\u00E9", "b":1.50}`, `{"b": "é", "b":1.50}`, `with what is not ASCII as \u escapes in capitals`, "escaped"},
		"html":                     {`{"b": "\u003c\u0026", "b":1.50}`, `{"b": "<&", "b":1.50}`, `with <, > and & as \u escapes`, "escaped"},
		"slashes":                  {`{"b": "\/", "b":1.50}`, `{"b": "/", "b":1.50}`, `with / as \/`, "escaped"},
		"a line feed was taken":    {event + "\n", event, "with a line feed behind it", "line_ends"},
		"both were taken":          {event + "\r\n", event, "with a carriage return and a line feed behind it", "line_ends"},
		"a line feed was added":    {event, event + "\n", "as JavaScript's JSON.stringify prints it", "rewritten"},
		"one to what is no JSON":   {"abc", "abc\n", "without the blanks and line ends around it", "line_ends"},
		"line ends":                {"{\n \"a\":1.50\n}", "{\r\n \"a\":1.50\r\n}", "with line ends of one line feed each", "line_ends"},
		"line ends of Windows":     {"{\r\n \"a\":1.50\r\n}", "{\n \"a\":1.50\n}", "with line ends of carriage return and line feed", "line_ends"},
		"a mark was taken":         {"\ufeff" + event, event, "with a byte order mark before it", "byte_order_mark"},
		"a mark was added":         {event, "\ufeff" + event, "without its byte order mark", "byte_order_mark"},
		"gzip":                     {event, compressed(t, gzipped, event), "decompressed from gzip", "compressed"},
		"zlib":                     {event, compressed(t, zlibbed, event), "decompressed from zlib (deflate)", "compressed"},
		"deflate":                  {event, compressed(t, deflated, event), "decompressed from raw deflate", "compressed"},
		"zstd":                     {event, compressed(t, zstded, event), "decompressed from zstd", "compressed"},
		"gzip of indented":         {event, compressed(t, gzipped, indentedText(event)), "decompressed from gzip, then as JavaScript's JSON.stringify prints it", "compressed rewritten"},
		"a JSON string":            {event, quoted(event), "taken out of the JSON string that it came in", "wrapped"},
		"a JSON string in another": {event, quoted(quoted(event)), "taken out of the JSON string that it came in, then taken out of the JSON string that it came in", "wrapped wrapped"},
		"put into a JSON string":   {`"{\"a\":1}"`, `{"a":1}`, "put into a JSON string", "wrapped"},
		"base64":                   {event, base64.StdEncoding.EncodeToString([]byte(event)), "decoded from base64", "encoded"},
		"a form":                   {event, "payload=" + url.QueryEscape(event) + "&x=1", "taken out of the form field that it came in", "encoded"},
		"HTML":                     {`{"a":"<b>"}`, `{&quot;a&quot;:&quot;&lt;b>&quot;}`, "with its HTML entities as characters", "encoded"},
		"UTF-16":                   {event, asUTF16(event), "as UTF-8 in place of UTF-16", "charset"},
		"Latin-1":                  {event, asLatin1(event), "as UTF-8 in place of Latin-1", "charset"},
		"Latin-1 signed":           {asLatin1(event), event, "as Latin-1 in place of UTF-8", "charset"},
		"read as Latin-1":          {event, mangled(event), "as Latin-1 in place of UTF-8", "charset"},
		"only the data":            {`{"a":1}`, `{"eventType":"VEHICLE_STATE","data":{"a":1.0}}`, "of which only data counts", "part"},
		"only the challenge":       {"abc", `{"eventType":"VERIFY","data":{"challenge":"abc"}}`, "of which only the challenge counts", "part"},
		"only the old challenge":   {"abc", `{"eventName":"verify","payload":{"challenge":"abc"}}`, "of which only the challenge counts", "part"},
	} {
		t.Run(name, func(t *testing.T) {
			form, causes := find(tt.came, tt.signed)
			if form != tt.form || causes != tt.causes {
				t.Errorf("got %q (%s), want %q (%s)", form, causes, tt.form, tt.causes)
			}
		})
	}
}

// find returns the name and the causes of a form.
func find(came, signed string) (name, causes string) {
	All([]byte(came), func(f Form) bool {
		if string(f.Bytes) != signed {
			return true
		}
		var all []string
		for _, c := range f.Causes {
			all = append(all, string(c))
		}
		name, causes = f.Name, strings.Join(all, " ")
		return false
	})
	return name, causes
}

func TestPrintedAs(t *testing.T) {
	for name, tt := range map[string]struct {
		body, first string
	}{
		"as Smartcar": {event, "as JavaScript's JSON.stringify prints it"},
		"as Python":   {`{"a": 1, "b": "\u00e9"}`, "as Python's json.dumps prints it"},
		"as nobody":   {`{"a" : 1}`, ""},
		"no JSON":     {`abc`, ""},
	} {
		if got := append(PrintedAs([]byte(tt.body)), ""); got[0] != tt.first {
			t.Errorf("%s: %q, want %q first", name, got, tt.first)
		}
	}
}

// Whatever comes, the forms are bounded: in count, size, and all together.
func TestFormsAreBounded(t *testing.T) {
	bomb := compressed(t, gzipped, strings.Repeat("a", 64<<20))
	item := `{"b":1.50,"a":"` + strings.Repeat("é<", 20) + `/"},` + "\n"
	nearly := compressed(t, gzipped, "["+strings.Repeat(item, MaxBody/len(item)-1)+"0]")
	for name, tt := range map[string]struct {
		body    string
		leftOut bool
	}{
		"empty":                  {"", false},
		"deep":                   {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), true},
		"deeper than Go reads":   {strings.Repeat("[", 128<<10) + strings.Repeat("]", 128<<10), false},
		"deep and never closed":  {strings.Repeat("[", 256<<10), false},
		"many values":            {"[" + strings.Repeat("0,", 128<<10) + "0]", true},
		"many lines":             {strings.Repeat(`{"a":[`, 255) + strings.Repeat("0,", 50_000) + "0" + strings.Repeat("]}", 255), true},
		"many escapes":           {`["` + strings.Repeat("<", 250<<10) + `"]`, false},
		"many strings in others": {quoted(quoted(quoted(quoted(quoted(quoted(event)))))), false},
		"a bomb":                 {bomb, false},
		"a bomb in a bomb":       {compressed(t, gzipped, bomb), false},
		"as large as it may be":  {nearly, true},
		"too large":              {strings.Repeat("a", MaxBody+1), true},
	} {
		t.Run(name, func(t *testing.T) {
			n, bytes := 0, 0
			leftOut := All([]byte(tt.body), func(f Form) bool {
				n, bytes = n+1, bytes+len(f.Bytes)
				if len(f.Bytes) > max(maxForm, len(tt.body)) {
					t.Errorf("%s has %d bytes", f.Name, len(f.Bytes))
				}
				return true
			})
			if n == 0 || n > maxForms || bytes > max(maxBytes, len(tt.body)) {
				t.Errorf("%d forms with %d bytes", n, bytes)
			}
			if leftOut != tt.leftOut {
				t.Errorf("left out: %t, want %t", leftOut, tt.leftOut)
			}
		})
	}
}

func TestFormsEndWhenAsked(t *testing.T) {
	n := 0
	All([]byte(event), func(Form) bool { n++; return n < 3 })
	if n != 3 {
		t.Errorf("%d forms, want 3", n)
	}
}

// FuzzForms: whatever comes, forms are found within bounds, each once, and the body as it came is the first.
func FuzzForms(f *testing.F) {
	for _, body := range nasty {
		if len(body) < 1<<10 {
			f.Add([]byte(body))
		}
	}
	for _, body := range []string{event, quoted(event), "%7B%22a%22%3A1%7D", asUTF16(`{"a":1}`), `{"a":"\`, `{"a":"\u12`, "\"\\u\"", `&lt;"a"`, "eyJhIjoxfSAgICAg", "\x1f\x8b", "\x28\xb5\x2f\xfd", "\x78\x9c"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 64<<10 {
			return
		}
		known := make(map[string]bool)
		names := make(map[string]bool)
		given := bytes.Clone(body)
		total := 0
		All(body, func(f Form) bool {
			if len(known) == 0 && (f.Name != AsItCame || !bytes.Equal(f.Bytes, given) || len(f.Causes) > 0) {
				t.Fatalf("the first form is %q", f.Name)
			}
			if len(known) > 0 && (f.Name == AsItCame || f.Name == "" || len(f.Causes) == 0) {
				t.Fatalf("a later form is %q %q", f.Name, f.Causes)
			}
			if known[string(f.Bytes)] {
				t.Fatalf("%q comes twice", f.Name)
			}
			if names[f.Name] && !strings.Contains(f.Name, "challenge") && !strings.Contains(f.Name, "counts") {
				t.Fatalf("two forms are %q", f.Name)
			}
			known[string(f.Bytes)], names[f.Name] = true, true
			total += len(f.Bytes)
			return true
		})
		if !bytes.Equal(body, given) {
			t.Fatal("the body was changed")
		}
		if len(known) == 0 || len(known) > maxForms || total > maxBytes {
			t.Fatalf("%d forms, %d bytes", len(known), total)
		}
		for _, name := range PrintedAs(body) {
			if name == "" || !slices.ContainsFunc(dialects(), func(d dialect) bool { return d.name == name }) && !strings.Contains(name, "Go") {
				t.Fatalf("printed as %q", name)
			}
		}
	})
}
