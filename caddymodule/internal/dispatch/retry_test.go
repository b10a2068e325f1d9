package dispatch

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestDelay(t *testing.T) {
	p := RetryPolicy{MinDelay: time.Second, MaxDelay: 10 * time.Minute}
	for _, tt := range []struct {
		name    string
		attempt int
		random  float64
		after   time.Duration
		want    time.Duration
	}{
		{"first, lowest", 1, 0, 0, time.Second},
		{"first, highest", 1, 1, 0, 2 * time.Second},
		{"fourth, middle", 4, 0.5, 0, 8500 * time.Millisecond},
		{"lowest stays", 50, 0, 0, time.Second},
		{"ceiling", 50, 1, 0, 10 * time.Minute},
		{"huge attempt", 1 << 40, 1, 0, 10 * time.Minute},
		{"after is more", 1, 0, time.Minute, time.Minute},
		{"after is less", 50, 1, time.Minute, 10 * time.Minute},
		{"after is absurd", 1, 0, 1 << 62, 24 * time.Hour},
		{"after is negative", 1, 0, -time.Hour, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := p.delay(tt.attempt, tt.random, tt.after); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestClip(t *testing.T) {
	long := strings.Repeat("ä", 2000)
	got := clip(long)
	if len(got) > maxErrorBytes || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
		t.Errorf("clipped to %d bytes: %q", len(got), got)
	}
	if got := clip("short\xff"); got != "short?" {
		t.Errorf("got %q", got)
	}
}
