package directive

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A secret comes from where its placeholder says, and no error shows what may be one.
func TestExpand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("from-the-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EXPAND_TEST", "from-the-environment")
	t.Setenv("EXPAND_EMPTY", "")
	tests := map[string]struct{ raw, want, words string }{
		"literal":             {"hunter2", "hunter2", ""},
		"variable":            {"a-{env.EXPAND_TEST}", "a-from-the-environment", ""},
		"file":                {"{file." + file + "}", "from-the-file", ""},
		"empty":               {"", "", "is empty"},
		"unset":               {"{env.EXPAND_UNSET}", "", "set the variable"},
		"set to nothing":      {"{env.EXPAND_EMPTY}", "", "set the variable"},
		"no such file":        {"{file./nowhere/hunter2}", "", "make the file readable"},
		"no path":             {"{file.hunter2}", "", "{file./absolute/path}"},
		"of a request":        {"{http.request.header.hunter2}", "", "only during a request"},
		"in braces":           {"{hunter2}", "", "a password without braces"},
		"half a placeholder":  {"{env.HUNTER", "", "brace"},
		"a brace that closes": {"hunter2}", "", "brace"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Expand(tt.raw, "password")
			if tt.words == "" {
				if err != nil || got != tt.want {
					t.Errorf("%q, %v; want %q", got, err, tt.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v, want %q", err, tt.words)
			}
		})
	}
}
