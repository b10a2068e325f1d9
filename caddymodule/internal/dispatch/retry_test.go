package dispatch

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
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

func TestDue(t *testing.T) {
	p := RetryPolicy{MinDelay: time.Second, MaxDelay: 10 * time.Minute}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name              string
		lastAt, notBefore time.Duration // from now on
		want              time.Duration
	}{
		{"in time", -time.Second, time.Minute, time.Minute},
		{"over", -time.Hour, -time.Minute, -time.Minute},
		{"clock set back", time.Hour, time.Hour + time.Minute, time.Minute},
		{"the handler asked for hours", -time.Second, 3 * time.Hour, 3 * time.Hour},
		{"the handler asked for hours, clock set back", time.Hour, 4 * time.Hour, 3 * time.Hour},
		{"longer than anybody may ask for", 0, 100 * time.Hour, maxAfter},
		{"times in disorder", time.Hour, time.Minute, time.Minute},
		{"times in disorder, far", 50 * time.Hour, 40 * time.Hour, p.MaxDelay},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := buffer.Retry{LastAt: now.Add(tt.lastAt), NotBefore: now.Add(tt.notBefore)}
			if got := p.due(r, now).Sub(now); got != tt.want {
				t.Errorf("due in %s, want %s", got, tt.want)
			}
		})
	}
	if due := p.due(buffer.Retry{LastAt: now}, now); !due.IsZero() {
		t.Errorf("without a time it is due at %s", due)
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
