package simulator

import (
	"strconv"
	"testing"
)

// FuzzParseShare: what is read lies in 0 to 1, and is read again from its own form.
func FuzzParseShare(f *testing.F) {
	for _, seed := range []string{"0.25", "25%", " 1 ", "NaN", "-0", "1e-400", "0x1p-2", "100.0001%", "Inf%", "%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ParseShare(text)
		if err != nil {
			return
		}
		if !(x >= 0 && x <= 1) {
			t.Fatalf("%q is %v", text, x)
		}
		if again, err := ParseShare(strconv.FormatFloat(x, 'g', -1, 64)); err != nil || again != x {
			t.Fatalf("%q is %v, then %v, %v", text, x, again, err)
		}
	})
}
