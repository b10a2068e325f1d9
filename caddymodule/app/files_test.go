package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/drift"
)

// A token file that is rotated between the moment in which it is read for the token and the one in which it is noted
// has changed, or is not spoken of, but never passes for what runs.
func TestTokenFileThatIsRotatedWhileItIsLoaded(t *testing.T) {
	const before, after = "0b3c9e52-4d1f-4a44-9c55-6c9d3f3f2a10", "e2b0c442-98fc-4c14-9afb-f4c8996fb924"
	path := filepath.Join(t.TempDir(), "token")
	placeholder := "{file." + path + "}"
	for name, tt := range map[string]struct {
		configured, token string
		// now is what stands in the file when it is noted.
		now string
		// noted: a change is told.
		noted bool
	}{
		"not rotated":               {placeholder, before, before + "\n", true},
		"rotated":                   {placeholder, before, after + "\r\n", true},
		"a part, not rotated":       {"x" + placeholder, "x" + before, before + "\n", true},
		"a part, rotated":           {"x" + placeholder, "x" + before, after, false},
		"a part, rotated, is empty": {"x" + placeholder, "x" + before, "\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			write := func(text string) {
				t.Helper()
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(tt.now)
			a := new(App)
			a.NoteTokenFiles(tt.configured, tt.token)
			for _, step := range []struct {
				text string
				want bool
			}{{after, tt.noted}, {before, false}, {"another", tt.noted}} {
				write(step.text)
				changes := a.files.Changes(nil)
				if is := len(changes) == 1 && changes[0].State == drift.Changed; is != step.want || len(changes) > 1 {
					t.Errorf("with %q in it: changed %t, want %t", step.text, is, step.want)
				}
			}
		})
	}
}
