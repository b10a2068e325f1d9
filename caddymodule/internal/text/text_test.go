package text

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 999 * time.Millisecond: "0s", 59 * time.Second: "59s", time.Minute: "1m00s", 61*time.Minute + 5*time.Second: "1h01m",
		47 * time.Hour: "47h00m", 49 * time.Hour: "2d01h",
	} {
		if diff := cmp.Diff(want, Duration(d)); diff != "" {
			t.Errorf("%v: %s", d, diff)
		}
	}
}
