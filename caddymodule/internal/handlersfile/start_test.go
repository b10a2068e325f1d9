package handlersfile

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProgress(t *testing.T) {
	type progress struct {
		Park  ParkAfter
		Start Start
		Stale Stale
	}
	tests := []struct {
		name, lines string
		want        progress
	}{
		{"nothing said", "", progress{Stale: StaleMark}},
		{"park after attempts", "park_after = 5", progress{Park: ParkAfter{Attempts: 5}, Stale: StaleMark}},
		{"park after the most attempts", "park_after = 999\nretry {\n max_attempts = 1000\n }", progress{Park: ParkAfter{Attempts: 999}, Stale: StaleMark}},
		{"park after a time", `park_after = "1d12h"`, progress{Park: ParkAfter{Age: 36 * time.Hour}, Stale: StaleMark}},
		{"park after the shortest time", `park_after = "1s"`, progress{Park: ParkAfter{Age: time.Second}, Stale: StaleMark}},
		{"start now", `start = "now"`, progress{Start: Start{From: StartNow}, Stale: StaleMark}},
		{"start at the beginning", `start = "beginning"`, progress{Start: Start{From: StartBeginning}, Stale: StaleMark}},
		{"start at a time", `start = "2026-03-01T00:00:00.5+01:00"`, progress{
			Start: Start{From: StartAt, At: time.Date(2026, 2, 28, 23, 0, 0, 5e8, time.UTC)}, Stale: StaleMark}},
		{"empty signals", "signals {}", progress{Stale: StaleMark}},
		{"deliver", "signals {\n stale = \"deliver\"\n}", progress{Stale: StaleDeliver}},
		{"drop", "signals {\n stale = \"drop\"\n}", progress{Stale: StaleDrop}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(t, map[string]string{"handlers.hcl": strings.Replace(handlerText("a"), "config", tt.lines+"\nconfig", 1)})
			d := mustLoad(t, "handlers.hcl")[0]
			if diff := cmp.Diff(tt.want, progress{d.ParkAfter, d.Start, d.Stale}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
