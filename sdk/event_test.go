package sdk_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func ExampleEvent_Decode() {
	e := &sdk.Event{Payload: smartcar.Sample{EventID: "event-1", VehicleID: "vehicle-1"}.VehicleState()}
	state, err := e.Decode()
	if err != nil {
		fmt.Println(err)
		return
	}
	charge, ok := state.Signal("tractionbattery-stateofcharge")
	percent, _ := charge.Number()
	fmt.Println(ok, percent > 0, charge.Unit())
	// Output: true true percent
}

func TestDecodeRefusesWhatIsNoEvent(t *testing.T) {
	for _, payload := range []string{"", "[]", "nothing", `"text"`} {
		_, err := (&sdk.Event{Payload: []byte(payload)}).Decode()
		var unreadable *smartcar.UnreadableError
		if !errors.As(err, &unreadable) {
			t.Errorf("payload %q: %T %v, want an UnreadableError", payload, err, err)
		}
	}
}

func TestIsStale(t *testing.T) {
	e := &sdk.Event{StaleSignals: []string{"charge-ischarging"}}
	if !e.IsStale("charge-ischarging") || e.IsStale("charge-voltage") || (&sdk.Event{}).IsStale("charge-ischarging") {
		t.Error("IsStale does not follow StaleSignals")
	}
}
