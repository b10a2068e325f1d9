package smartcar

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func parseEvent(t *testing.T, body string) *Event {
	t.Helper()
	e, err := ParseEvent([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestParseEventState(t *testing.T) {
	body := vectorBody(t, "own-state-body")
	got := parseEvent(t, string(body))
	envelope, _ := ParseEnvelope(body)
	reading, fetched := time.UnixMilli(1763626501000).UTC(), time.UnixMilli(1763626509874).UTC()
	soc := SignalRef{Code: "tractionbattery-stateofcharge", Name: "StateOfCharge", Group: "TractionBattery"}
	want := &Event{
		Envelope:    envelope,
		WebhookName: "Depot telemetry",
		Sequence:    1763626509990,
		SignalCount: 5,
		User:        User{ID: sampleUser, ExternalID: "driver-0042"},
		Vehicle:     Vehicle{ID: sampleVehicle, Make: "VOLVO", Model: "EX30", Year: 2025, Mode: "live", PowertrainType: "BEV"},
		Triggers:    []Trigger{{Type: TriggerSignalUpdated, Signal: soc}},
		Signals: []Signal{
			{SignalRef: soc, Body: json.RawMessage(`{"value":63,"unit":"percent"}`), OEMUpdatedAt: reading, RetrievedAt: fetched, Status: StatusSuccess},
			{
				SignalRef: SignalRef{Code: "charge-ischarging", Name: "IsCharging", Group: "Charge"},
				Body:      json.RawMessage(`{"value":true}`), OEMUpdatedAt: reading, RetrievedAt: fetched, Status: StatusSuccess,
			},
			{
				SignalRef:    SignalRef{Code: "location-preciselocation", Name: "PreciseLocation", Group: "Location"},
				Body:         json.RawMessage(`{"latitude":57.70887,"longitude":11.97456,"locationType":"LAST_PARKED"}`),
				OEMUpdatedAt: time.UnixMilli(1763622000000).UTC(), RetrievedAt: time.UnixMilli(1763626509001).UTC(), Status: StatusSuccess,
			},
			{
				SignalRef: SignalRef{Code: "vehicleidentification-vin", Name: "VIN", Group: "VehicleIdentification"},
				Body:      json.RawMessage(`{"value":"YV1TESTVIN0000001"}`), Status: StatusSuccess,
			},
			{
				SignalRef: SignalRef{Code: "diagnostics-dtccount", Name: "DTCCount", Group: "Diagnostics"},
				Status:    StatusError, Error: &SignalError{ErrorInfo{Type: "PERMISSION"}},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if s, ok := got.Signal("charge-ischarging"); !ok || s.Failed() {
		t.Errorf("Signal = %+v, %t", s, ok)
	}
	if s, _ := got.Signal("diagnostics-dtccount"); !s.Failed() {
		t.Error("the signal without a permission did not fail")
	}
	if _, ok := got.Signal("charge-voltage"); ok {
		t.Error("found a signal that is not there")
	}
	if !got.Changed(soc.Code) || got.Changed("charge-ischarging") || got.FirstDelivery() {
		t.Error("Changed or FirstDelivery is wrong")
	}
}

func TestParseEventErrors(t *testing.T) {
	const head = `{"eventType":"VEHICLE_ERROR","data":{"errors":`
	nickname := SignalRef{Code: "vehicleidentification-nickname", Name: "Nickname", Group: "VehicleIdentification"}
	online := SignalRef{Code: "connectivitystatus-isonline", Name: "IsOnline", Group: "ConnectivityStatus"}
	tests := []struct {
		name, errors string
		want         []VehicleError
	}{
		{
			"resolved",
			`[{"type":"VEHICLE_STATE","code":"UNREACHABLE","state":"RESOLVED","description":"Back.","signals":[{"code":"location-preciselocation","name":"Location","group":"PreciseLocation"}]}]`,
			[]VehicleError{{
				ErrorInfo: ErrorInfo{Type: "VEHICLE_STATE", Code: "UNREACHABLE", Description: "Back."}, State: StateResolved,
				Signals: []SignalRef{{Code: "location-preciselocation", Name: "Location", Group: "PreciseLocation"}},
			}},
		},
		{
			"string signals and null resolution",
			`[{"type":"COMPATIBILITY","code":"VEHICLE_NOT_CAPABLE","state":"ERROR","description":"No.","resolution":{"type":null},"signals":["VehicleIdentification.Nickname","ConnectivityStatus.IsOnline"]}]`,
			[]VehicleError{{
				ErrorInfo: ErrorInfo{Type: "COMPATIBILITY", Code: "VEHICLE_NOT_CAPABLE", Description: "No."}, State: StateError,
				Signals: []SignalRef{nickname, online},
			}},
		},
		{
			"null code, no signals, mixed with a resolved one",
			`[{"type":"PERMISSION","code":null,"state":"ERROR","resolution":{"type":"REAUTHENTICATE"}},{"type":"SERVER","state":"RESOLVED","signals":null,"resolution":null}]`,
			[]VehicleError{
				{ErrorInfo: ErrorInfo{Type: "PERMISSION", Resolution: ResolutionReauthenticate}, State: StateError},
				{ErrorInfo: ErrorInfo{Type: "SERVER"}, State: StateResolved},
			},
		},
		{
			"what a reconnect flow needs",
			`[{"type":"AUTHENTICATION","code":"ACCESS_DENIED","state":"ERROR","title":"Sign in","detail":"The token ended.","resolution":{"type":"ACTION_REQUIRED","url":"https://connect.example/?user=u"}}]`,
			[]VehicleError{{
				ErrorInfo: ErrorInfo{
					Type: "AUTHENTICATION", Code: "ACCESS_DENIED", Title: "Sign in", Detail: "The token ended.",
					Resolution: ResolutionActionRequired, ResolutionURL: "https://connect.example/?user=u",
				},
				State: StateError,
			}},
		},
		{
			"null url", `[{"type":"UPSTREAM","resolution":{"type":"UNKNOWN_RESOLUTION_TYPE","url":null},"title":null,"detail":5}]`,
			[]VehicleError{{ErrorInfo: ErrorInfo{Type: "UPSTREAM", Resolution: ResolutionUnknown}}},
		},
		{
			"wrong types",
			`[null,{"type":7,"code":["x"],"state":"ERROR","resolution":"x","signals":"none","docURL":{}},5]`,
			[]VehicleError{{State: StateError}, {}},
		},
		{"not an array", `{"type":"SERVER"}`, nil},
		{"empty", `[]`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parseEvent(t, head+tt.errors+`}}`)
			if diff := cmp.Diff(tt.want, got.Errors); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}

	full := parseEvent(t, string(vectorBody(t, "own-error-body")))
	want := []VehicleError{{
		ErrorInfo: ErrorInfo{
			Type: "CONNECTED_SERVICES_ACCOUNT", Code: "AUTHENTICATION_FAILED",
			Description: "Sign-in to the maker's account no longer works.", SuggestedUserMessage: "Please reconnect your car.",
			DocURL:     "https://smartcar.com/docs/errors/api-errors/connected-services-account-errors#authentication-failed",
			Resolution: ResolutionReauthenticate,
		},
		State:   StateError,
		Signals: []SignalRef{{Code: "tractionbattery-stateofcharge", Name: "StateOfCharge", Group: "TractionBattery"}},
	}}
	if diff := cmp.Diff(want, full.Errors); diff != "" {
		t.Errorf("full error (-want +got)\n%s", diff)
	}
	if full.Errors[0].Resolved() || !(VehicleError{State: "RESOLVED"}).Resolved() {
		t.Error("Resolved is wrong")
	}
}

func TestParseEventTriggers(t *testing.T) {
	charging := SignalRef{Code: "charge-ischarging", Name: "IsCharging", Group: "Charge"}
	updated := []Trigger{{Type: TriggerSignalUpdated, Signal: charging}}
	first := []Trigger{{Type: TriggerFirstDelivery}}
	const object = `{"code":"charge-ischarging","name":"IsCharging","group":"Charge"}`
	tests := []struct {
		name, top, data string
		want            []Trigger
	}{
		{"type and signal", `[{"type":"SIGNAL_UPDATED","signal":` + object + `}]`, ``, updated},
		{"type and a string", `[{"type":"SIGNAL_UPDATED","signal":"Charge.IsCharging"}]`, ``, updated},
		{"signal without type", `[{"signal":` + object + `}]`, ``, updated},
		{"first delivery by type", `[{"type":"FIRST_DELIVERY"}]`, ``, first},
		{"the signal itself", ``, `[` + object + `]`, updated},
		{"a code only", ``, `[{"code":"charge-ischarging"}]`, []Trigger{{Type: TriggerSignalUpdated, Signal: SignalRef{Code: "charge-ischarging"}}}},
		{"first delivery by code", ``, `[{"code":"FIRST_DELIVERY"}]`, first},
		{"a string", ``, `["Charge.IsCharging"]`, updated},
		{"first delivery by string", ``, `["FIRST_DELIVERY"]`, first},
		{"a code as a string", ``, `["charge-ischarging"]`, []Trigger{{Type: TriggerSignalUpdated, Signal: SignalRef{Code: "charge-ischarging"}}}},
		{"the same in both places", `[{"type":"SIGNAL_UPDATED","signal":"Charge.IsCharging"}]`, `[` + object + `]`, updated},
		{"different in both places", `["FIRST_DELIVERY"]`, `["Charge.IsCharging"]`, append(first[:1:1], updated...)},
		{"unknown type", `[{"type":"SIGNAL_LOST","signal":` + object + `}]`, ``, []Trigger{{Type: "SIGNAL_LOST", Signal: charging}}},
		{"wrong types", `[null,5,[],{},"",{"type":5}]`, `{"a":1}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"eventType":"VEHICLE_STATE"`
			if tt.top != "" {
				body += `,"triggers":` + tt.top
			}
			if tt.data != "" {
				body += `,"data":{"triggers":` + tt.data + `}`
			}
			got := parseEvent(t, body+`}`)
			if diff := cmp.Diff(tt.want, got.Triggers); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if wantFirst := strings.Contains(tt.name, "first") || tt.name == "different in both places"; got.FirstDelivery() != wantFirst {
				t.Errorf("FirstDelivery = %t", got.FirstDelivery())
			}
		})
	}
}

func TestParseEventSignals(t *testing.T) {
	charging := SignalRef{Code: "charge-ischarging", Name: "IsCharging", Group: "Charge"}
	value := json.RawMessage(`{"value":true}`)
	at := time.UnixMilli(1782777353743).UTC()
	tests := []struct {
		name, signals string
		want          []Signal
	}{
		{
			"as the docs print it", `[{"code":"charge-ischarging","name":"IsCharging","group":"Charge","body":{"value":true},"meta":{"oemUpdatedAt":1782777353743,"fetchedAt":1782777353743}}]`,
			[]Signal{{SignalRef: charging, Body: value, OEMUpdatedAt: at, RetrievedAt: at, Status: StatusSuccess}},
		},
		{
			"times with a fraction and as strings", `[{"name":"IsCharging","group":"Charge","body":{"value":true},"meta":{"oemUpdatedAt":1782777353743.0,"retrievedAt":"2026-06-29T23:55:53.743Z"},"status":{"value":"SUCCESS"}}]`,
			[]Signal{{SignalRef: charging, Body: value, OEMUpdatedAt: at, RetrievedAt: at, Status: StatusSuccess}},
		},
		{
			"seconds where milliseconds are meant", `[{"code":"a-b","meta":{"oemUpdatedAt":1782777353,"retrievedAt":"1782777353","fetchedAt":1782777353743}},{"code":"c-d","meta":{"oemUpdatedAt":1782777353.5,"retrievedAt":0}}]`,
			[]Signal{{SignalRef: SignalRef{Code: "a-b"}, RetrievedAt: at}, {SignalRef: SignalRef{Code: "c-d"}}},
		},
		{
			"retrievedAt goes first", `[{"code":"a-b","meta":{"retrievedAt":1782777353743,"fetchedAt":1}}]`,
			[]Signal{{SignalRef: SignalRef{Code: "a-b"}, RetrievedAt: at}},
		},
		{
			"old failed one without a value of status", `[{"code":"a-b","status":{"error":{"type":"SERVER","code":"INTERNAL"}}}]`,
			[]Signal{{SignalRef: SignalRef{Code: "a-b"}, Status: StatusError, Error: &SignalError{ErrorInfo{Type: "SERVER", Code: "INTERNAL"}}}},
		},
		{
			"failed, with all that is said of it", `[{"code":"a-b","body":{"value":1},"status":{"value":"ERROR","error":{"type":"PERMISSION","code":"UNKNOWN","title":"Not granted","detail":"Read is missing.","description":"No.",
				"suggestedUserMessage":"Grant it.","docURL":"https://smartcar.com/docs","resolution":{"type":"REAUTHENTICATE","url":"https://connect.example/"}}}}]`,
			[]Signal{{
				SignalRef: SignalRef{Code: "a-b"}, Body: json.RawMessage(`{"value":1}`), Status: StatusError,
				Error: &SignalError{ErrorInfo{
					Type: "PERMISSION", Code: "UNKNOWN", Title: "Not granted", Detail: "Read is missing.", Description: "No.",
					SuggestedUserMessage: "Grant it.", DocURL: "https://smartcar.com/docs",
					Resolution: ResolutionReauthenticate, ResolutionURL: "https://connect.example/",
				}},
			}},
		},
		{
			"unavailable, null body", `[{"code":"a-b","body":null,"status":{"value":"UNAVAILABLE"}}]`,
			[]Signal{{SignalRef: SignalRef{Code: "a-b"}, Status: StatusUnavailable}},
		},
		{
			"object by name", `{"Charge.IsCharging":{"value":true},"charge-voltage":{"body":{"value":3},"status":{"value":"SUCCESS"}},"Zed":4,"B":{"code":"x-y","body":{}}}`,
			[]Signal{
				{SignalRef: charging, Body: value, Status: StatusSuccess},
				{SignalRef: SignalRef{Code: "charge-voltage"}, Body: json.RawMessage(`{"value":3}`), Status: StatusSuccess},
				{SignalRef: SignalRef{Name: "Zed"}, Body: json.RawMessage(`4`), Status: StatusSuccess},
				{SignalRef: SignalRef{Code: "x-y"}, Body: json.RawMessage(`{}`), Status: StatusSuccess},
			},
		},
		{
			"value beside meta and status", `{"Charge.IsCharging":{"value":true,"meta":{}},"charge-voltage":{"meta":{"oemUpdatedAt":1782777353743},"value":3,"unit":"volts","status":{"value":"SUCCESS"}},"Location.PreciseLocation":{"latitude":1.50,"longitude":2,"status":{}},"a-b":{"meta":{}}}`,
			[]Signal{
				{SignalRef: charging, Body: value, Status: StatusSuccess},
				{SignalRef: SignalRef{Code: "charge-voltage"}, Body: json.RawMessage(`{"value":3,"unit":"volts"}`), OEMUpdatedAt: at, Status: StatusSuccess},
				{
					SignalRef: SignalRef{Code: "location-preciselocation", Name: "PreciseLocation", Group: "Location"},
					Body:      json.RawMessage(`{"latitude":1.50,"longitude":2}`), Status: StatusSuccess,
				},
				{SignalRef: SignalRef{Code: "a-b"}},
			},
		},
		{
			"a status of the body's own", `{"diagnostics-abs":{"status":"OK","description":"fine"},"diagnostics-mil":{"status":"OK","meta":{"oemUpdatedAt":1782777353743}}}`,
			[]Signal{
				{SignalRef: SignalRef{Code: "diagnostics-abs"}, Body: json.RawMessage(`{"status":"OK","description":"fine"}`), Status: StatusSuccess},
				{SignalRef: SignalRef{Code: "diagnostics-mil"}, Body: json.RawMessage(`{"status":"OK"}`), OEMUpdatedAt: at, Status: StatusSuccess},
			},
		},
		{
			"value beside meta in an array", `[{"code":"a-b","value":true,"meta":{}},{"code":"c-d","body":null,"value":1},{"code":"e-f","value":1,"status":{"value":"ERROR"}}]`,
			[]Signal{
				{SignalRef: SignalRef{Code: "a-b"}, Body: value, Status: StatusSuccess},
				{SignalRef: SignalRef{Code: "c-d"}},
				{SignalRef: SignalRef{Code: "e-f"}, Status: StatusError},
			},
		},
		{"empty", `[]`, nil},
		{"wrong types", `[null,"x",{"meta":5,"status":[],"code":1}]`, []Signal{{}, {}}},
		{"no list at all", `"x"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parseEvent(t, `{"eventType":"VEHICLE_STATE","data":{"signals":`+tt.signals+`}}`)
			if diff := cmp.Diff(tt.want, got.Signals); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSignalValues(t *testing.T) {
	signal := func(body string) Signal { return Signal{Body: json.RawMessage(body)} }
	if v, ok := signal(`{"value":17.5,"unit":"km"}`).Number(); v != 17.5 || !ok {
		t.Errorf("Number = %v, %t", v, ok)
	}
	if got := signal(`{"value":17.5,"unit":"km"}`).Unit(); got != "km" {
		t.Errorf("Unit = %q", got)
	}
	if v, ok := signal(`{"value":false}`).Bool(); v || !ok {
		t.Errorf("Bool = %v, %t", v, ok)
	}
	if v, ok := signal(`{"value":"CHARGING"}`).Text(); v != "CHARGING" || !ok {
		t.Errorf("Text = %v, %t", v, ok)
	}
	for _, body := range []string{``, `null`, `{}`, `{"value":null}`, `{"value":[]}`, `5`} {
		s := signal(body)
		if _, ok := s.Number(); ok {
			t.Errorf("%s has a number", body)
		}
		if _, ok := s.Text(); ok || s.Unit() != "" {
			t.Errorf("%s has a text or a unit", body)
		}
	}
}

func TestSignalFailed(t *testing.T) {
	tests := []struct {
		name   string
		signal Signal
		want   bool
	}{
		{"success", Signal{Status: StatusSuccess}, false},
		{"older events have no status", Signal{}, false},
		{"error", Signal{Status: StatusError}, true},
		{"unavailable", Signal{Status: StatusUnavailable}, true},
		{"unavailable, with a body from before", Signal{Status: StatusUnavailable, Body: json.RawMessage(`{"value":1}`)}, true},
		{"a status of later", Signal{Status: "PENDING"}, true},
		{"success with an error", Signal{Status: StatusSuccess, Error: &SignalError{}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.signal.Failed(); got != tt.want {
				t.Errorf("Failed = %t", got)
			}
		})
	}
}

func TestParseEventLegacy(t *testing.T) {
	got := parseEvent(t, `{"version":"2.0","webhookId":"w","eventName":"eventBased","mode":"live",`+
		`"payload":{"eventId":"e","vehicleId":"v","eventType":"CHARGING_STARTED","eventTime":"2024-03-02T18:04:11.000Z"}}`)
	want := &Event{
		Envelope: Envelope{EventID: "e", EventType: "eventBased", Mode: ModeLive, VehicleID: "v", WebhookID: "w", Version: "2.0"},
		Vehicle:  Vehicle{ID: "v"},
		Legacy:   &Legacy{EventType: "CHARGING_STARTED", EventTime: time.Date(2024, 3, 2, 18, 4, 11, 0, time.UTC)},
	}
	ignore := cmp.Options{cmpopts.IgnoreFields(Envelope{}, "Digest"), cmpopts.IgnoreFields(Legacy{}, "Payload")}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	scheduled := parseEvent(t, `{"eventName":"schedule","payload":{"vehicles":[{"vehicleId":"v1","data":[]},{"vehicleId":2}]}}`)
	vehicles := []LegacyVehicle{
		{ID: "v1", Data: json.RawMessage(`{"vehicleId":"v1","data":[]}`)},
		{Data: json.RawMessage(`{"vehicleId":2}`)},
	}
	if diff := cmp.Diff(vehicles, scheduled.Legacy.Vehicles); diff != "" {
		t.Errorf("vehicles (-want +got)\n%s", diff)
	}
}

func TestParseEventUnreadable(t *testing.T) {
	for _, body := range []string{``, `[]`, `{"eventId":"x"}`, `{"eventType":"A"`} {
		e, err := ParseEvent([]byte(body))
		if _, want := ParseEnvelope([]byte(body)); e != nil || err == nil || err.Error() != want.Error() {
			t.Errorf("ParseEvent(%s) = %v, %v", body, e, err)
		}
	}
}

func TestEventLogsNoReadings(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "event", parseEvent(t, string(vectorBody(t, "own-state-body"))))
	for _, personal := range []string{"57.7", "YV1TESTVIN0000001", sampleUser, "driver-0042"} {
		if strings.Contains(log.String(), personal) {
			t.Errorf("the log has %s: %s", personal, log.String())
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Body))
	}
	for _, seed := range []string{
		`{"eventType":"A","triggers":["Charge.IsCharging",{"type":"X","signal":"a"},{"code":"FIRST_DELIVERY"},null,5],"data":{"triggers":["a-b"]}}`,
		`{"eventType":"A","data":{"signals":{"Charge.IsCharging":{"value":1},"b":{"body":{},"meta":{"fetchedAt":0}},"c":null}}}`,
		`{"eventType":"A","data":{"signals":[1,null,{"meta":{"oemUpdatedAt":1782777353743.5,"retrievedAt":"9999-12-31T23:59:59-12:00"}}]}}`,
		`{"eventType":"A","data":{"errors":[{"signals":["a.b",{"code":"c"},1]},[],"x"]},"meta":{"sequence":1e300,"signalCount":-1.5}}`,
		`{"eventName":"schedule","payload":{"vehicles":[{"vehicleId":"v"},1],"eventTime":"x"}}`,
		`{"eventName":"x","payload":7}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		envelope, wantErr := ParseEnvelope(body)
		e, err := ParseEvent(body)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("ParseEvent: %v, ParseEnvelope: %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if e.Envelope != envelope {
			t.Fatalf("envelope %+v, want %+v", e.Envelope, envelope)
		}
		// Whatever was read can be written again.
		if _, err := json.Marshal(e); err != nil {
			t.Fatal(err)
		}
		for _, s := range e.Signals {
			s.Number()
			s.Bool()
			s.Text()
			s.Unit()
		}
	})
}

func BenchmarkParseEvent(b *testing.B) {
	body := vectorBody(b, "own-state-body")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEvent(body); err != nil {
			b.Fatal(err)
		}
	}
}
