package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	const outside = " a\tb\nc\x1b[2J\xff\u200bé "
	for _, tt := range []struct{ name, got, want string }{
		{"one line", Clean(outside), "a b c?[2J\ufffd?é"},
		{"lines", CleanLines("a\tb\nc\x1b\xffé"), "a\tb\nc\ufffd\ufffdé"},
		{"an id", ASCII("a b\né~", 64), "a?b??~"},
		{"a long id", ASCII(strings.Repeat("a", 70), 64), strings.Repeat("a", 64)},
		{"first line", FirstLine("no space\nstack"), "no space"},
		{"no line end", FirstLine("no space"), "no space"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, tt := range []struct {
		in   string
		most int
		want string
	}{
		{"short", 5, "short"}, {"longer", 5, "lo…"}, {"ééé", 5, "é…"}, {"x\xff", 5, "x?"}, {"", 3, ""},
	} {
		if got := Clip(tt.in, tt.most); got != tt.want {
			t.Errorf("%q clipped to %d bytes is %q, want %q", tt.in, tt.most, got, tt.want)
		}
	}
	if got := Shorten("ééééé", 3); got != "éé…" {
		t.Errorf("%q", got)
	}
}

func FuzzClip(f *testing.F) {
	f.Add("longer than that", 5)
	f.Add("é\xff…", 4)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if most < 3 || most > 1<<10 {
			return
		}
		got := Clip(s, most)
		if len(got) > most || !utf8.ValidString(got) || Clip(got, most) != got {
			t.Fatalf("%q clipped to %d bytes is %q", s, most, got)
		}
	})
}
