package smartcar

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	sampleWebhook = "d3b7c1a0-52e4-4f6b-8a9d-0c1e2f3a4b5c"
	sampleVehicle = "3f8e1d7c-2b5a-4c69-9d80-6a7b8c9d0e1f"
	sampleUser    = "51c2e7f4-9d38-4b1a-a6c5-7e8f90a1b2c3"
)

func TestParseEnvelope(t *testing.T) {
	tests := []struct {
		name, body string
		want       Envelope
	}{
		{
			"state", string(vectorBody(t, "own-state-body")),
			Envelope{
				EventID: "a9f3d2c1-7b6e-4a5d-8c9f-0e1d2c3b4a59", EventType: TypeVehicleState, Mode: "LIVE",
				VehicleID: sampleVehicle, UserID: sampleUser, WebhookID: sampleWebhook,
				DeliveryID: "1c2d3e4f-5a6b-4c7d-8e9f-a0b1c2d3e4f5", Version: "4.0",
				DeliveredAt: time.UnixMilli(1763626510233).UTC(),
			},
		},
		{
			"error", string(vectorBody(t, "own-error-body")),
			Envelope{
				EventID: "c4b3a291-0f8e-4d7c-b6a5-948372615040", EventType: TypeVehicleError, Mode: "LIVE",
				VehicleID: sampleVehicle, UserID: sampleUser, WebhookID: sampleWebhook,
				DeliveryID: "77665544-3322-4110-8fee-ddccbbaa9988", Version: "4.0",
				DeliveredAt: time.UnixMilli(1763626702118).UTC(),
			},
		},
		{
			"verify", string(vectorBody(t, "own-verify4-body")),
			Envelope{
				EventID: "0b5f0f0e-6a0d-4c58-9f57-3d0a2f1b7c11", EventType: TypeVerify, IsVerify: true,
				Challenge: "Qx7mT2vLp9Rk4ZsA", WebhookID: sampleWebhook,
				DeliveryID: "6e2d4c8b-1a3f-4b5d-9e7c-8f0a1b2c3d4e", Version: "4.0",
				DeliveredAt: time.Date(2026, 11, 20, 8, 15, 30, 412e6, time.UTC),
			},
		},
		{
			"verify of version 2", `{"version":"2.0","webhookId":"w","eventName":"verify","payload":{"challenge":"Qx7mT2vLp9Rk4ZsA"}}`,
			Envelope{EventType: "verify", IsVerify: true, Challenge: "Qx7mT2vLp9Rk4ZsA", WebhookID: "w", Version: "2.0"},
		},
		{
			"event of version 2", `{"version":"2.0","webhookId":"w","eventName":"eventBased","mode":"live",
			"payload":{"eventId":"e","vehicleId":"v","eventType":"CHARGING_STARTED","eventTime":"2024-03-02T18:04:11.000Z"}}`,
			Envelope{EventID: "e", EventType: "eventBased", Mode: ModeLive, VehicleID: "v", WebhookID: "w", Version: "2.0"},
		},
		{
			"list of one vehicle", `{"version":"2.0","eventName":"schedule","payload":{"vehicles":[{"vehicleId":"v1","data":[{"vehicleId":"no"}]}]}}`,
			Envelope{EventType: "schedule", VehicleID: "v1", Version: "2.0"},
		},
		{
			"list of one vehicle, for each endpoint", `{"eventName":"dynamic","payload":{"vehicles":[null, {"vehicleId":"v1"}, {"vehicleId":"v\u0031"} ,{"data":1},[{"vehicleId":"no"}],{"vehicleId":5}]}}`,
			Envelope{EventType: "dynamic", VehicleID: "v1"},
		},
		{
			"list of several vehicles", `{"eventName":"dynamic","webhookId":"w","payload":{"vehicles":[{"vehicleId":"v1"},{"vehicleId":"v2"},{"vehicleId":"v1"}]}}`,
			Envelope{EventType: "dynamic", WebhookID: "w"},
		},
		{
			"list of no vehicles", `{"eventName":"dynamic","payload":{"vehicles":[]}}`,
			Envelope{EventType: "dynamic"},
		},
		{
			"payload.vehicleId goes before a list", `{"eventName":"dynamic","payload":{"vehicles":[{"vehicleId":"v1"}],"vehicleId":"v"}}`,
			Envelope{EventType: "dynamic", VehicleID: "v"},
		},
		{
			"the last list counts", `{"eventName":"dynamic","payload":{"vehicles":[{"vehicleId":"v1"},{"vehicleId":"v2"}],"vehicles":[{"vehicleId":"v3","vehicleId":"v4"}]}}`,
			Envelope{EventType: "dynamic", VehicleID: "v4"},
		},
		{
			"the last payload counts", `{"eventName":"dynamic","payload":{"vehicles":[{"vehicleId":"v1"}]},"payload":{"vehicles":{"vehicleId":"no"}}}`,
			Envelope{EventType: "dynamic"},
		},
		{
			"documented vehicleId at the top", `{"eventType":"VEHICLE_STATE","vehicleId":"top"}`,
			Envelope{EventType: TypeVehicleState, VehicleID: "top"},
		},
		{
			"data.vehicle.id goes first", `{"eventType":"VEHICLE_STATE","vehicleId":"top","data":{"vehicle":{"id":"in"}}}`,
			Envelope{EventType: TypeVehicleState, VehicleID: "in"},
		},
		{
			"old meta", `{"eventType":"VEHICLE_ERROR","meta":{"deliveryId":"d","deliveryTime":1758224204078}}`,
			Envelope{EventType: TypeVehicleError, DeliveryID: "d", DeliveredAt: time.UnixMilli(1758224204078).UTC()},
		},
		{
			"wrong types count as absent", `{"eventId":17,"eventType":"X","data":[{"vehicle":{"id":"no"}}],"meta":"no","vehicleId":null,"mode":{"a":[1,{}]}}`,
			Envelope{EventType: "X"},
		},
		{
			"null then the fallback", `{"eventType":null,"eventName":"schedule","meta":{"mode":null,"webhookId":""},"mode":"test","webhookId":"w"}`,
			Envelope{EventType: "schedule", Mode: ModeTest, WebhookID: "w"},
		},
		{
			"last of repeated keys", `{"eventType":"A","data":{"vehicle":{"id":"one"},"user":{"id":"u"}},"eventType":"B","data":{"vehicle":{"id":"two"}}}`,
			Envelope{EventType: "B", VehicleID: "two"},
		},
		{
			"keys are case-sensitive", `{"eventType":"A","EventType":"B","eventid":"no","EVENTID":"no"}`,
			Envelope{EventType: "A"},
		},
		{
			"escapes", `{"event\u0054ype":"VEH\u0049CLE","eventId":"\"\\\/\b\f\n\r\t\u00e4\ud83d\ude97\ud800","vehicleId":"Käfer"}`,
			Envelope{EventType: "VEHICLE", EventID: "\"\\/\b\f\n\r\tä🚗\ufffd", VehicleID: "Käfer"},
		},
		{
			"challenge of something else", `{"eventType":"VEHICLE_STATE","data":{"challenge":"Qx7mT2vLp9Rk4ZsA"}}`,
			Envelope{EventType: TypeVehicleState},
		},
		{
			"blanks everywhere", "\r\n\t { \"eventType\" : \"A\" , \"data\" : { \"vehicle\" : { \"id\" : \"v\" } , \"x\" : [ 1 , { } , [ ] ] } } \n",
			Envelope{EventType: "A", VehicleID: "v"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseEnvelope([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Envelope{}, "Digest")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseEnvelopeUnreadable(t *testing.T) {
	const secret = "hush"
	tests := []struct{ name, body, want string }{
		{"empty", "", "empty"},
		{"blanks", " \n", "empty"},
		{"array", `["hush"]`, "not a JSON object"},
		{"string", `"hush"`, "not a JSON object"},
		{"text", `hush`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
		{"byte order mark", "\ufeff{}", "not a JSON object"},
		{"cut off", `{"eventType":"hush`, "ends too early at byte 18"},
		{"cut off in a number", `{"eventType":-`, "ends too early at byte 14"},
		{"trailing comma", `{"eventType":"hush",}`, "not valid JSON at byte 20"},
		{"something behind", `{"eventType":"hush"} hush`, "not valid JSON at byte 21"},
		{"control character", "{\"eventType\":\"hush\x01\"}", "not valid JSON at byte 18"},
		{"NUL", "{\"eventType\":\"hush\"\x00}", "not valid JSON at byte 19"},
		{"bad escape", `{"eventType":"hush\x"}`, "not valid JSON at byte 18"},
		{"leading zero", `{"eventType":01}`, "not valid JSON at byte 14"},
		{"too deep", `{"a":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`, "nested too deeply"},
		{"no type", `{"eventId":"hush"}`, "neither eventType nor eventName"},
		{"type of a wrong type", `{"eventType":["hush"]}`, "neither eventType nor eventName"},
		{"empty type", `{"eventType":""}`, "neither eventType nor eventName"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := ParseEnvelope([]byte(tt.body))
			var unreadable *UnreadableError
			if !errors.As(err, &unreadable) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the body: %v", err)
			}
			if tt.body != "" && e.Digest == 0 {
				t.Error("no digest")
			}
		})
	}
}

func TestParseEnvelopeDepth(t *testing.T) {
	for _, depth := range []int{1, 63, 64, 65, 1000, maxDepth - 1, maxDepth} {
		body := []byte(`{"eventType":"A","a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`)
		if _, err := ParseEnvelope(body); (err == nil) != json.Valid(body) {
			t.Errorf("depth %d: error %v, but encoding/json finds it valid: %t", depth, err, json.Valid(body))
		}
	}
}

// What could be read is given with the error, so that even such an event can be
// stored under its own id.
func TestParseEnvelopeWithoutType(t *testing.T) {
	e, err := ParseEnvelope([]byte(`{"eventId":"e","data":{"vehicle":{"id":"v"}}}`))
	if err == nil || e.EventID != "e" || e.VehicleID != "v" {
		t.Errorf("envelope %+v, error %v", e, err)
	}
}

func TestDigest(t *testing.T) {
	state := string(vectorBody(t, "own-state-body"))
	retry := strings.NewReplacer(
		"1c2d3e4f-5a6b-4c7d-8e9f-a0b1c2d3e4f5", "another-delivery",
		"1763626510233", `"2026-11-20T08:15:30.412Z"`).Replace(state)
	other := strings.Replace(state, `"value":63`, `"value":62`, 1)
	old := `{"eventType":"VEHICLE_ERROR","meta":{"deliveryId":"1","deliveredAt":1,"deliveryTime":1}}`
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"a retry", state, retry, true},
		{"another value", state, other, false},
		{"a retry of an old one", old, strings.NewReplacer(":1", ":2", `"1"`, `"2"`).Replace(old), true},
		{"deliveryId elsewhere counts", `{"eventType":"A","deliveryId":1}`, `{"eventType":"A","deliveryId":2}`, false},
		{"unreadable", `{"meta":{"deliveryId":1}`, `{"meta":{"deliveryId":2}`, false},
		{"without a type", `{"meta":{"deliveryId":1}}`, `{"meta":{"deliveryId":2}}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := ParseEnvelope([]byte(tt.a))
			b, _ := ParseEnvelope([]byte(tt.b))
			if (a.Digest == b.Digest) != tt.same {
				t.Errorf("digests %x and %x, want same: %t", a.Digest, b.Digest, tt.same)
			}
			if (BodyDigest([]byte(tt.a)) == BodyDigest([]byte(tt.b))) != tt.same {
				t.Errorf("body digests %s and %s, want same: %t", BodyDigest([]byte(tt.a)), BodyDigest([]byte(tt.b)), tt.same)
			}
		})
	}
}

// Digests are stored: they must stay what they are.
func TestDigestIsStable(t *testing.T) {
	body := []byte(`{"eventType":"A","meta":{"deliveryId":"x"}}`)
	e, err := ParseEnvelope(body)
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(0xeae27c174dd48191); e.Digest != want {
		t.Errorf("Digest = %#x, want %#x", e.Digest, want)
	}
	if got, want := BodyDigest(body), "body-a9431ed0fba599c7b159a77a9e1e30ea"; got != want {
		t.Errorf("BodyDigest = %s, want %s", got, want)
	}
}

func TestEnvelopeLogsNothingPersonal(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "envelope",
		Envelope{EventID: "e1", UserID: "the-user", Challenge: "the-challenge"})
	if strings.Contains(log.String(), "the-") || !strings.Contains(log.String(), "e1") {
		t.Errorf("log: %s", log.String())
	}
}

func BenchmarkParseEnvelope(b *testing.B) {
	body := vectorBody(b, "own-state-body")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEnvelope(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBodyDigest(b *testing.B) {
	body := vectorBody(b, "own-state-body")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		BodyDigest(body)
	}
}
