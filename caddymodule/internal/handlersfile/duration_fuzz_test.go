package handlersfile

import (
	"testing"
	"time"
)

// FuzzDuration: what is read is written in a way that reads the same, and whatever Go
// reads is read as Go does.
func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"500ms", "1d12h", "7d", "-1h", "1d-2h", "99999d", "1h0m0s", "0", "d", "1.5d", "106751d23h47m16s", "106752d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if want, goErr := time.ParseDuration(text); goErr == nil && (err != nil || d != want) {
			t.Fatalf("%q: %v, %v; Go: %v", text, d, err, want)
		}
		if err != nil || d < 0 {
			return
		}
		if again, err := parseDuration(formatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is %v, written %q, read %v, %v", text, d, formatDuration(d), again, err)
		}
	})
}
