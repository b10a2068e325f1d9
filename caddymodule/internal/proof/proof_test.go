package proof

import (
	"fmt"
	"testing"
)

// probe notes how a test ends.
type probe struct {
	testing.TB
	ended string
}

func (*probe) Helper()                     {}
func (p *probe) Skipf(string, ...any)      { p.ended += "skipped" }
func (p *probe) Fatalf(f string, a ...any) { p.ended += "failed: " + fmt.Sprintf(f, a...) }

func TestMissing(t *testing.T) {
	const failed = "failed: SMARTCAR_REQUIRE=%s, and a is missing: [not found]skipped"
	for required, want := range map[string]string{
		"":       "skipped",
		"b,aa":   "skipped",
		"b,a":    fmt.Sprintf(failed, "b,a"),
		"all":    fmt.Sprintf(failed, "all"),
		"postal": "skipped",
	} {
		t.Setenv(Require, required)
		p := &probe{TB: t}
		Missing(p, "a", "not found")
		if p.ended != want {
			t.Errorf("%q: %q, want %q", required, p.ended, want)
		}
	}
}

func TestIsLong(t *testing.T) {
	for value, want := range map[string]bool{"": false, "1": true} {
		t.Setenv(Long, value)
		if IsLong() != want {
			t.Errorf("%q: %v", value, !want)
		}
	}
}
