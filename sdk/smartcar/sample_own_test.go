package smartcar

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ParseEvent reads back what a Sample was given.
func TestSampleOfItsOwn(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 15, 30, 412e6, time.UTC)
	soc := SignalRef{Code: "tractionbattery-stateofcharge", Name: "StateOfCharge", Group: "TractionBattery"}
	vin := SignalRef{Code: "vehicleidentification-vin", Name: "VIN", Group: "VehicleIdentification"}
	want := Event{
		User:    User{ID: "u"},
		Vehicle: Vehicle{ID: "v", Make: "KIA", Model: `EV "9"`, Year: 2024, Mode: "test", PowertrainType: "BEV"},
		Signals: []Signal{
			{SignalRef: soc, Body: json.RawMessage(`{"value":63,"unit":"percent"}`), OEMUpdatedAt: at, RetrievedAt: at.Add(time.Second), Status: StatusSuccess},
			{SignalRef: vin, Body: json.RawMessage(`{"value":"TEST"}`), Status: StatusSuccess},
			{
				SignalRef: SignalRef{Code: "diagnostics-dtccount", Name: "DTCCount", Group: "Diagnostics"},
				Status:    StatusError, Error: &SignalError{ErrorInfo{Type: "PERMISSION"}},
			},
		},
		Triggers: []Trigger{{Type: TriggerFirstDelivery}, {Type: TriggerSignalUpdated, Signal: soc}},
		Errors: []VehicleError{
			{ErrorInfo: ErrorInfo{
				Type: "VEHICLE_STATE", Code: "UNREACHABLE", Title: "t", Detail: "d", Description: "Gone.", SuggestedUserMessage: "Wait.",
				DocURL: "https://example.com/#x", Resolution: ResolutionRetryLater, ResolutionURL: "https://example.com/",
			}, State: StateError, Signals: []SignalRef{soc, vin}},
			{ErrorInfo: ErrorInfo{Type: "PERMISSION"}, State: StateResolved},
		},
	}
	s := Sample{
		VehicleID: "v", UserID: "u", Vehicle: want.Vehicle,
		Signals: want.Signals, Triggers: want.Triggers, Errors: want.Errors, Size: 4000,
	}
	for name, body := range map[string][]byte{"state": s.VehicleState(), "error": s.VehicleError()} {
		t.Run(name, func(t *testing.T) {
			var compact bytes.Buffer
			if err := json.Compact(&compact, body); err != nil || !bytes.Equal(compact.Bytes(), body) {
				t.Fatalf("not compact JSON: %v\n%s", err, body)
			}
			got, err := ParseEvent(body)
			if err != nil {
				t.Fatal(err)
			}
			part := Event{User: want.User, Vehicle: want.Vehicle}
			if name == "state" {
				part.Signals, part.Triggers = want.Signals, want.Triggers
			} else {
				part.Errors = want.Errors
			}
			have := Event{User: got.User, Vehicle: got.Vehicle, Signals: got.Signals, Triggers: got.Triggers, Errors: got.Errors}
			if diff := cmp.Diff(part, have); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(body) != s.Size {
				t.Errorf("%d bytes, want %d", len(body), s.Size)
			}
		})
	}
}

// The resolution names the error that VehicleError began, and has none of the fields that Smartcar leaves out.
func TestSampleResolved(t *testing.T) {
	begun, err := ParseEvent(Sample{}.VehicleError())
	if err != nil {
		t.Fatal(err)
	}
	over, err := ParseEvent(Sample{}.VehicleErrorResolved())
	if err != nil {
		t.Fatal(err)
	}
	if len(begun.Errors) != 1 || len(over.Errors) != 1 || begun.Errors[0].Resolved() || !over.Errors[0].Resolved() {
		t.Fatalf("begun %+v, resolved %+v", begun.Errors, over.Errors)
	}
	a, b := begun.Errors[0], over.Errors[0]
	if a.Type != b.Type || a.Code != b.Code || !cmp.Equal(a.Signals, b.Signals) {
		t.Errorf("%+v is resolved by %+v", a, b)
	}
	if b.SuggestedUserMessage+b.DocURL+b.Resolution != "" {
		t.Errorf("a resolution has %+v", b)
	}
}
