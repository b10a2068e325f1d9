package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// FuzzNotice: whatever a body holds, its messages are bounded, their titles are one line, and they are the same each
// time.
func FuzzNotice(f *testing.F) {
	f.Add([]byte(fullError))
	f.Add(smartcar.Sample{}.VehicleError())
	f.Add(smartcar.Sample{}.VehicleState())
	f.Add([]byte(`{"eventId":"1","eventType":"VEHICLE_ERROR","data":{"errors":[{"code":null,"resolution":{"type":null}},"x"]}}`))
	f.Add([]byte(`{"eventId":"1","eventType":"VEHICLE_ERROR","data":{"errors":{}}}`))
	t, err := newTemplates(config{Text: defaultText + `{{ range .Signals }}{{ . }}{{ end }}{{ value "charge-ischarging" }}`})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(tt *testing.T, body []byte) {
		h := &handler{templates: standard, code: "low"}
		h.templates = &templates{condition: t.text, title: t.title, text: t.text}
		e := sdktest.Event(body)
		if list, err := h.read(e); err != nil && (len(list) > 0 || sdk.ResultOf(err).Status != sdk.StatusReject) {
			tt.Fatal(err)
		}
		parsed, err := e.Decode()
		if err != nil {
			return
		}
		list := notices(e, parsed, "low")
		if len(list) == 0 {
			tt.Fatal("nobody would be told")
		}
		for i, n := range list {
			m, failed := t.message("people", n)
			if failed || strings.ContainsAny(m.Title, "\r\n") || utf8.RuneCountInString(m.Title) > mostTitle ||
				utf8.RuneCountInString(m.Text) > mostText || !json.Valid(m.JSON) {
				tt.Fatalf("%q %q %v", m.Title, m.Text, failed)
			}
			if again := notices(e, parsed, "low")[i]; again.id != n.id || again.key != n.key {
				tt.Fatal("the same event has another id")
			}
		}
	})
}
