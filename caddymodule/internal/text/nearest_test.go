package text

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"id", "type", "mode", "source", "vehicle"}
	tests := []struct{ name, given, want string }{
		{"one letter too few", "vehicl", "vehicle"},
		{"two letters swapped", "tpye", "type"},
		{"only the case differs", "TYPE", "type"},
		{"the closest wins", "sourc", "source"},
		{"nothing is near", "challenge", ""},
		{"short names need to share half", "xy", ""},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Nearest(tt.given, names); got != tt.want {
				t.Errorf("Nearest(%q) = %q, want %q", tt.given, got, tt.want)
			}
		})
	}
}

func TestDidYouMean(t *testing.T) {
	if got, want := DidYouMean("jsnol", []string{"http", "jsonl"}), ` Did you mean "jsonl"?`; got != want {
		t.Errorf("Hint = %q, want %q", got, want)
	}
	if got := DidYouMean("postgres", []string{"http", "jsonl"}); got != "" {
		t.Errorf("Hint = %q, want none", got)
	}
}
