package handlersfile

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each file in testdata/mistakes has one mistake; beside it stands what people are
// told of it, at length and in one line.
func TestMistakes(t *testing.T) {
	t.Chdir("testdata/mistakes")
	names, err := filepath.Glob("*.hcl")
	if err != nil || len(names) < 25 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(name, ".hcl"), func(t *testing.T) {
			if runtime.GOOS == "windows" && name == "plugin-path-not-executable.hcl" {
				t.Skip("there is no such permission")
			}
			file, diags := Load([]string{name}, testOptions)
			if len(diags) == 0 {
				t.Fatal("no mistake was found")
			}
			var got bytes.Buffer
			if err := file.Write(&got, diags, false); err != nil {
				t.Fatal(err)
			}
			for _, d := range diags {
				fmt.Fprintf(&got, "%s\n", Line(d))
			}
			if strings.Contains(got.String(), "hunter") {
				t.Errorf("a secret is shown:\n%s", &got)
			}

			golden := strings.TrimSuffix(name, ".hcl") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
			// After a syntax error the parser may stumble more than once.
			if len(diags) != 1 && !strings.HasPrefix(name, "syntax-") {
				t.Errorf("%d diagnostics for one mistake", len(diags))
			}
		})
	}
}
