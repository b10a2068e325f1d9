package intake

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func TestReread(t *testing.T) {
	body := []byte(`{"eventId":"e-1","eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"v-1"},"user":{"id":"u-1"}},` +
		`"meta":{"mode":"LIVE","webhookId":"w-1","deliveryId":"d-1"}}`)
	envelope, err := smartcar.ParseEnvelope(body)
	if err != nil {
		t.Fatal(err)
	}
	e := buffer.Event{Position: 7, Source: "s", ID: smartcar.BodyDigest(body), Unreadable: "once", Signature: "sig", Body: body}
	if err := Reread(&e); err != nil {
		t.Fatal(err)
	}
	want := buffer.Event{
		Position: 7, Source: "s", ID: "e-1", Type: "VEHICLE_STATE", Mode: "LIVE", VehicleID: "v-1", UserID: "u-1", WebhookID: "w-1",
		DeliveryID: "d-1", Digest: envelope.Digest, Signature: "sig", Body: body,
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestRereadInVain(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":  `vehicle WVWZZZ`,
		"a VERIFY": `{"eventType":"VERIFY","data":{"challenge":"abcdefgh12"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			e := buffer.Event{ID: "old", Unreadable: "once", Body: []byte(body)}
			before := e
			err := Reread(&e)
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "WVWZZZ") {
				t.Errorf("the error holds the body: %v", err)
			}
			if diff := cmp.Diff(before, e); diff != "" {
				t.Error(diff)
			}
		})
	}
}
