package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

func TestReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reports")
	t.Setenv(report.Folder, dir)
	r := report.New("kill", "make kill")
	r.Figure("events acknowledged", 1234, "")
	r.Figure("ratio", 0.5001, "")
	r.Figure("whole", 2.0, "times")
	r.Figure("median", 1500*time.Microsecond, "")
	r.Table([]string{"target", "a|b"}, [][]string{{"FuzzOne", "two\nlines"}})
	r.Note("That is all.")
	if err := r.Write(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "kill.md"))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(got), "processors.\n")
	for _, want := range []string{"Do not edit", "\n# kill\n", "`make kill`"} {
		if !strings.Contains(head, want) {
			t.Errorf("the head lacks %q:\n%s", want, head)
		}
	}
	want := `
| figure | value |
| --- | ---: |
| events acknowledged | 1234 |
| ratio | 0.5 |
| whole | 2 times |
| median | 1.5ms |

| target | a\|b |
| --- | --- |
| FuzzOne | two lines |

That is all.
`
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNoFolder(t *testing.T) {
	t.Setenv(report.Folder, "")
	if err := report.New("kill", "make kill").Write(); err != nil {
		t.Error(err)
	}
	t.Setenv(report.Folder, filepath.Join(os.DevNull, "below"))
	if err := report.New("kill", "make kill").Write(); err == nil {
		t.Error("a folder that cannot be made is no error")
	}
}
