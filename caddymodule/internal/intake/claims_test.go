package intake

import (
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Only what has the expected form may be shown of a body that nobody vouches for.
func TestClaims(t *testing.T) {
	const id = "0b6f1c9e-52AA-4d6a-9c41-5e2f8a7d6b30"
	for name, tt := range map[string]struct {
		envelope smartcar.Envelope
		want     Claims
	}{
		"as Smartcar's":           {smartcar.Envelope{EventID: id, Mode: "LIVE"}, Claims{id, smartcar.ModeLive}},
		"in small letters":        {smartcar.Envelope{EventID: id, Mode: "test"}, Claims{id, smartcar.ModeTest}},
		"nothing":                 {smartcar.Envelope{}, Claims{}},
		"a VIN for an id":         {smartcar.Envelope{EventID: "YV1TESTVIN0000001", Mode: "LIVE"}, Claims{Mode: smartcar.ModeLive}},
		"text behind the id":      {smartcar.Envelope{EventID: id + " Anna"}, Claims{}},
		"a line behind the id":    {smartcar.Envelope{EventID: id + "\nAnna"}, Claims{}},
		"text in front of the id": {smartcar.Envelope{EventID: "Anna " + id}, Claims{}},
		"another mode":            {smartcar.Envelope{EventID: id, Mode: "LIVE Anna"}, Claims{EventID: id}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ClaimsOf(&tt.envelope); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}
