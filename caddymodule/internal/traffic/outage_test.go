package traffic

import (
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// An event that is stored ends the trouble, and its beginning is that of the first refusal.
func TestReceivingTrouble(t *testing.T) {
	var counts Counters
	s := counts.Source("a")
	s.Outage.Refused(noon, buffer.ErrFull)
	counts.Source("b").Outage.Refused(noon.Add(time.Minute), buffer.ErrHalted)
	want := Outage{buffer.ErrHalted, noon}
	if got := counts.Outage.Current(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	s.Outage.Stored()
	if got := counts.Outage.Current(); got != (Outage{}) {
		t.Errorf("%+v after an event was stored", got)
	}
}
