package handlersfile

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// Files that nobody meant to write have one clear answer, of a length that can be read.
func TestFilesThatNobodyMeant(t *testing.T) {
	utf16 := func(bom string, first int) string {
		var b strings.Builder
		b.WriteString(bom)
		for _, c := range "handler \"a\" {\n  plugin = \"jsonl\"\n}\n" {
			pair := [2]byte{byte(c), 0}
			b.WriteByte(pair[first])
			b.WriteByte(pair[1-first])
		}
		return b.String()
	}
	in := func(when string) string {
		return "handler \"a\" {\n  plugin = \"http\"\n  when = " + when + "\n  config {\n    url = \"http://x/\"\n  }\n}\n"
	}
	tests := map[string]struct{ text, want string }{
		"UTF-16, little end first":       {utf16("\xff\xfe", 0), "UTF-16"},
		"UTF-16, big end first":          {utf16("\xfe\xff", 1), "UTF-16"},
		"UTF-16 without a mark":          {utf16("", 0), "UTF-16"},
		"loops in loops":                 {in("event" + strings.Repeat("[*]", 80_000)), "Nested too deeply"},
		"loops of the other kind":        {in("event" + strings.Repeat(".*", 80_000)), "Nested too deeply"},
		"loops over lines":               {in("(event" + strings.Repeat("[*]\n", 60_000) + ")"), "Nested too deeply"},
		"choices over lines in brackets": {in("(" + strings.Repeat("true ? true :\n", 10_000) + "true)"), "Nested too deeply"},
		"a line of 250 KB":               {in(`event.tpye == "` + strings.Repeat("x", 250_000) + `"`), "Unknown field of event"},
		"a name of 250 KB":               {in("event." + strings.Repeat("x", 250_000)), "Unknown field of event"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			write(t, map[string]string{"handlers.hcl": tt.text})
			file, diags := Load([]string{"handlers.hcl"}, testOptions)
			var shown strings.Builder
			if err := file.Write(&shown, diags, false); err != nil {
				t.Fatal(err)
			}
			if len(diags) != 1 || !diags.HasErrors() || !strings.Contains(shown.String(), tt.want) {
				t.Errorf("%d diagnostics, want one with %q", len(diags), tt.want)
			}
			if len(shown.String()) > 4000 || len(Line(diags[0])) > 4000 {
				t.Errorf("%d bytes are shown, %d in a line", len(shown.String()), len(Line(diags[0])))
			}
		})
	}
}

// The part of a long line that is shown is the one with the mistake.
func TestLongLinesAreCutAroundTheColumn(t *testing.T) {
	line := "   3: " + strings.Repeat("a", 5000) + "HERE" + strings.Repeat("b", 5000)
	got := cutLines("x\n"+line+"\ny", &hcl.Range{Start: hcl.Pos{Line: 3, Column: 5001}})
	if !strings.Contains(got, "HERE") || len(got) > 400 || !strings.HasPrefix(got, "x\n   3: … a") || !strings.HasSuffix(got, "b …\ny") {
		t.Errorf("got %q", got)
	}
}

// A file without handlers is a warning: Caddy starts, and receives.
func TestFileWithoutHandlers(t *testing.T) {
	write(t, map[string]string{"handlers.hcl": ""})
	_, diags := Load([]string{"handlers.hcl"}, testOptions)
	if len(diags) != 1 || diags.HasErrors() {
		t.Errorf("got %v", lines(diags))
	}
}
