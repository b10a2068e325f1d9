package smartcar

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzParseEnvelope holds the scanner against encoding/json, on what is valid and
// on every value that is read.
func FuzzParseEnvelope(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Body))
	}
	for _, seed := range []string{
		`{"version":"2.0","webhookId":"w","eventName":"verify","payload":{"challenge":"c"}}`,
		`{"eventName":"eventBased","mode":"live","payload":{"eventId":"e","vehicleId":"v"}}`,
		`{"event\u0054ype":"\ud83d\ude97\ud800\u0000","eventId":"` + "\xff\xc3" + `","vehicleId":"ä"}`,
		`{"data":{"vehicle":{"id":"a","id":1},"user":{"id":"b"}},"data":{"user":[]},"meta":{"mode":"a"},"meta":null}`,
		`{"a":[-0.1e+5,1E9,0,true,false,null,{},[],[[{"b":""}]]],"eventType":"x"}`,
		`{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a"}`, `{"a":1,}`, `{,}`, `[1,]`, `{"a":1}}`,
		"{\"a\":\"\x1f\"}", `{"a":"\u12g4"}`, `{"a":"\`, "\ufeff{}", "{\"a\":1}\x00",
		`{"eventName":"dynamic","payload":{"vehicles":[{"vehicleId":"v"},{"vehicleId":"\u0076"},null,[{"vehicleId":"w"}]]}}`,
		`{"eventName":"dynamic","payload":{"vehicles":[{"vehicleId":"v"},{"vehicleId":"w","vehicleId":""}],"vehicles":{"vehicleId":"x"}}}`,
		`{"meta":{"deliveredAt":1782777353743.5,"deliveryTime":"1758224204078"}}`,
		strings.Repeat("[", 70) + strings.Repeat("]", 70),
		`{"a":` + strings.Repeat(`{"a":[`, 40) + strings.Repeat(`]}`, 40) + `}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := ParseEnvelope(body)
		var object map[string]any
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		valid := json.Valid(body) && decoder.Decode(&object) == nil && object != nil
		if s := (scanner{b: body}); s.text() != valid {
			t.Fatalf("the scanner finds an object: %t, encoding/json: %t", !valid, valid)
		}
		want := wantEnvelope(object)
		if readable := valid && want.EventType != ""; (err == nil) != readable {
			t.Fatalf("error %v, but readable is %t", err, readable)
		}
		if !valid {
			want = Envelope{}
		}
		want.Digest = got.Digest
		if got != want {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		if BodyDigest(body) != BodyDigest(bytes.Clone(body)) {
			t.Fatal("two digests of one body")
		}
	})
}

// wantEnvelope reads the envelope in the plain, slow way.
func wantEnvelope(object map[string]any) Envelope {
	text := func(paths ...string) string {
		for _, path := range paths {
			if s, _ := find(object, path).(string); s != "" {
				return s
			}
		}
		return ""
	}
	e := Envelope{
		EventID:    text("eventId", "payload.eventId"),
		EventType:  text("eventType", "eventName"),
		Mode:       strings.ToUpper(text("meta.mode", "mode")),
		VehicleID:  text("data.vehicle.id", "vehicleId", "payload.vehicleId"),
		UserID:     text("data.user.id"),
		WebhookID:  text("meta.webhookId", "webhookId"),
		DeliveryID: text("meta.deliveryId"),
		Version:    text("meta.version", "version"),
	}
	if e.VehicleID == "" {
		e.VehicleID = onlyVehicle(find(object, "payload.vehicles"))
	}
	e.IsVerify = e.EventType == "VERIFY" || e.EventType == "verify"
	if e.IsVerify {
		e.Challenge = text("data.challenge", "payload.challenge")
	}
	for _, path := range []string{"meta.deliveredAt", "meta.deliveryTime"} {
		if !e.DeliveredAt.IsZero() {
			break
		}
		switch v := find(object, path).(type) {
		case string:
			quoted, _ := json.Marshal(v)
			e.DeliveredAt = parseTime(quoted)
		case json.Number:
			e.DeliveredAt = parseTime([]byte(v))
		}
	}
	return e
}

// onlyVehicle returns the vehicle that a list names, "" if it is not one.
func onlyVehicle(list any) string {
	named := map[string]bool{}
	only := ""
	elements, _ := list.([]any)
	for _, element := range elements {
		vehicle, _ := element.(map[string]any)
		if id, _ := vehicle["vehicleId"].(string); id != "" {
			named[id], only = true, id
		}
	}
	if len(named) != 1 {
		return ""
	}
	return only
}

func find(object map[string]any, path string) any {
	var v any = object
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}
