package pluginhost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where a plugin could have its socket is found without a trace, also in a folder that is still to be made.
func TestCheckSocketPlaces(t *testing.T) {
	base, err := os.MkdirTemp("", "smc-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for place, ok := range map[string]bool{
		base: true, filepath.Join(base, "still", "missing"): true, file: false, filepath.Join(file, "in"): false,
		filepath.Join(base, strings.Repeat("d", 100)): maxSocketPath == 0,
	} {
		if err := tryPlace(place); (err == nil) != ok {
			t.Errorf("%s: %v", place, err)
		}
	}
	if entries, err := os.ReadDir(base); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	t.Setenv("TMPDIR", file)
	t.Setenv("XDG_RUNTIME_DIR", file)
	if err := (Spec{FallbackDir: base}).CheckSocketPlaces(); err != nil {
		t.Errorf("the last one will do, but: %v", err)
	}
	err = checkPlaces([]string{file, filepath.Join(file, "in")})
	if err == nil || !strings.Contains(err.Error(), file+": not a directory") ||
		!strings.Contains(err.Error(), "let TMPDIR name a directory that Caddy may write to") {
		t.Errorf("where no place will do: %v", err)
	}
}
