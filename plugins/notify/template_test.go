package notify

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// messageOf is the message of an event's first notice.
func messageOf(t *testing.T, c config, e *sdk.Event) payload {
	t.Helper()
	tpl, err := newTemplates(c)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := e.Decode()
	if err != nil {
		t.Fatal(err)
	}
	n := notices(e, parsed, "low")[0]
	title, text, _ := tpl.write(n.facts)
	return payload{Title: title, Text: text}
}

const fullError = `{"eventId":"e1","eventType":"VEHICLE_ERROR","data":{"user":{"id":"secret-user","externalId":"secret-driver"},
"vehicle":{"id":"car","make":"VOLVO","model":"EX30","year":2025,"vin":"YV1SECRETVIN00001"},
"errors":[{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":"ERROR","description":"Sign-in fails.",
"suggestedUserMessage":"Please reconnect\nyour car.","docURL":"https://smartcar.com/docs#x",
"resolution":{"type":"REAUTHENTICATE","url":"https://connect.smartcar.com/re?id=1"},"signals":["TractionBattery.StateOfCharge"]}]},
"meta":{"deliveredAt":1763626702118,"mode":"LIVE"}}`

// By default a message says what a person needs to act, and nothing of a person.
func TestDefaultMessage(t *testing.T) {
	e := sdktest.Event([]byte(fullError))
	m := messageOf(t, config{}, e)
	const want = `Please reconnect your car.
Error: CONNECTED_SERVICES_ACCOUNT AUTHENTICATION_FAILED
Source: sdktest
What helps: REAUTHENTICATE https://connect.smartcar.com/re?id=1
More: https://smartcar.com/docs#x
`
	if m.Title != "AUTHENTICATION_FAILED, vehicle car" || m.Text != want {
		t.Errorf("%q\n%s", m.Title, m.Text)
	}
	r := newRig(t, nil)
	r.handle(e)
	got := r.places[0].got[0]
	for _, s := range []string{got.Title, got.Text, string(encode(got).JSON)} {
		if strings.Contains(strings.ToLower(s), "secret") {
			t.Errorf("it tells of a person: %s", s)
		}
	}
}

// Where Smartcar suggests nothing, what helps says it.
func TestMessageWithoutASuggestion(t *testing.T) {
	tests := map[string]string{
		`"state":"RESOLVED"`:                           "It is over.",
		`"resolution":{"type":"REAUTHENTICATE"}`:       "The owner must connect the vehicle again.",
		`"resolution":{"type":"USER_ACTION_REQUIRED"}`: "The owner must do something about it.",
		`"resolution":{"type":"ACTION_REQUIRED"}`:      "The owner must do something about it.",
		`"resolution":{"type":"RETRY_LATER"}`:          "It may pass by itself.",
		`"resolution":{"type":"CONTACT_SUPPORT"}`:      "Ask Smartcar's support.",
		`"resolution":{"type":null}`:                   "Smartcar cannot read the vehicle, or a part of it.",
	}
	for field, want := range tests {
		e := sdktest.Event([]byte(`{"eventId":"1","eventType":"VEHICLE_ERROR","data":{"errors":[{"type":"X",` + field + `}]}}`))
		if m := messageOf(t, config{Text: "{{ .Message }}"}, e); m.Text != want {
			t.Errorf("%s: %q, want %q", field, m.Text, want)
		}
	}
}

// Each field and function gives what the README says.
func TestFields(t *testing.T) {
	tests := map[string]string{
		"{{ .Kind }} {{ .Event }} {{ .EventType }} {{ .Mode }}": "error e1 VEHICLE_ERROR LIVE",
		"{{ .Source }} {{ .Vehicle }} {{ .User }}":              "sdktest car secret-user",
		"{{ .Make }} {{ .Model }} {{ .Year }}":                  "VOLVO EX30 2025",
		"{{ .ExternalUser }}":                                   "secret-driver",
		`{{ .ReceivedAt.Format "2006-01-02" }}`:                 "2026-01-01",
		"{{ .Type }} {{ .Code }} {{ .State }}":                  "CONNECTED_SERVICES_ACCOUNT AUTHENTICATION_FAILED ERROR",
		"{{ .Message }} {{ .Description }}":                     "Please reconnect your car. Sign-in fails.",
		"{{ .Resolution }} {{ .ResolutionURL }} {{ .DocURL }}":  "REAUTHENTICATE https://connect.smartcar.com/re?id=1 https://smartcar.com/docs#x",
		`{{ join ", " .Signals }}`:                              "tractionbattery-stateofcharge",
		`{{ value "charge-ischarging" }}.`:                      ".",
		`{{ lt 1 1.5 }} {{ le 2 2 }} {{ gt 1 2 }} {{ ge 2 1 }}`: "true true false true",
	}
	for text, want := range tests {
		if m := messageOf(t, config{Text: text}, sdktest.Event([]byte(fullError))); m.Text != want {
			t.Errorf("%s: %q, want %q", text, m.Text, want)
		}
	}
	state := sdktest.VehicleState("1", "car")
	m := messageOf(t, config{Text: `{{ value "charge-ischarging" }} {{ value "odometer-traveleddistance" }} ` +
		`{{ value "vehicleidentification-nickname" }} {{ number "odometer-traveleddistance" }}`}, state)
	if m.Text != "true 18204.5 Van 7 18204.5" {
		t.Errorf("%q", m.Text)
	}
}

// Text from outside stays one line, and links are links.
func TestOutsideTextIsTamed(t *testing.T) {
	long := strings.Repeat("ä", 10_000)
	e := sdktest.Event([]byte(`{"eventId":"1","eventType":"VEHICLE_ERROR","data":{"vehicle":{"id":"a\r\nBcc: x"},"errors":[{"type":"` +
		long + `","code":"` + long + `","state":"ERROR","docURL":"javascript:alert(1)","resolution":{"type":"X","url":"https://a b"}}]}}`))
	m := messageOf(t, config{}, e)
	if strings.ContainsAny(m.Title, "\r\n") || utf8.RuneCountInString(m.Title) > mostTitle {
		t.Errorf("title %q", m.Title)
	}
	if strings.Contains(m.Text, "javascript") || strings.Contains(m.Text, "a b") || utf8.RuneCountInString(m.Text) > mostText {
		t.Errorf("text %q", m.Text)
	}
}

// No template goes on for ever, whatever number an event has.
func TestTemplatesEnd(t *testing.T) {
	tests := map[string]string{
		"{{ range 9223372036854775807 }}{{ end }}":                                  "range goes over .Signals only",
		"{{ range .Year }}{{ end }}":                                                "range goes over .Signals only",
		"{{ range $i := .Year }}{{ end }}":                                          "range goes over .Signals only",
		"{{ with .Year }}{{ range . }}{{ end }}{{ end }}":                           "range goes over .Signals only",
		"{{ range .Signals }}{{ range $.Signals }}{{ end }}{{ end }}":               "a range is in another",
		"{{ range .Signals }}{{ . }}{{ end }}{{ range $.Signals }}{{ . }}{{ end }}": "",
		"{{ range $i, $s := .Signals }}{{ $s }}{{ else }}none{{ end }}":             "",
	}
	for text, want := range tests {
		_, err := newTemplates(config{Text: text})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
