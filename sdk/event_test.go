package sdk_test

import (
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func TestIsStale(t *testing.T) {
	e := &sdk.Event{StaleSignals: []string{"charge-ischarging"}}
	if !e.IsStale("charge-ischarging") || e.IsStale("charge-voltage") || (&sdk.Event{}).IsStale("charge-ischarging") {
		t.Error("IsStale does not follow StaleSignals")
	}
}
