package pluginhost

import (
	"slices"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestRequestsSayWhatIsReplayedAndStale(t *testing.T) {
	stale := []string{"charge-ischarging", "odometer-traveleddistance"}
	got := toRequest([]dispatch.Delivery{
		{Event: &buffer.Event{ID: "1"}, Replay: true},
		{Event: &buffer.Event{ID: "2"}, Stale: stale},
	}).GetEvents()
	if !got[0].GetReplay() || got[0].GetStaleSignals() != nil || got[1].GetReplay() || !slices.Equal(got[1].GetStaleSignals(), stale) {
		t.Errorf("%v", got)
	}
}
