package smartcar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSample(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 15, 30, 412e6, time.UTC)
	s := Sample{
		EventID: `e"1`, VehicleID: "v", UserID: "u", WebhookID: "w", DeliveryID: "d<>&", DeliveredAt: at, Mode: "LIVE", Size: 2048,
	}
	vehicle := Envelope{EventID: `e"1`, Mode: "LIVE", VehicleID: "v", UserID: "u", WebhookID: "w", DeliveryID: "d<>&", Version: "4.0", DeliveredAt: at}
	state, failure := vehicle, vehicle
	state.EventType, failure.EventType = TypeVehicleState, TypeVehicleError
	tests := []struct {
		name string
		body []byte
		want Envelope
	}{
		{"state", s.VehicleState(), state},
		{"error", s.VehicleError(), failure},
		{"verify", s.Verify("Qx7mT2vLp9Rk4ZsA"), Envelope{
			EventID: `e"1`, EventType: TypeVerify, IsVerify: true, Challenge: "Qx7mT2vLp9Rk4ZsA",
			WebhookID: "w", DeliveryID: "d<>&", Version: "4.0", DeliveredAt: at,
		}},
		{"verify of version 2", s.VerifyV2("Qx7mT2vLp9Rk4ZsA"), Envelope{
			EventType: "verify", IsVerify: true, Challenge: "Qx7mT2vLp9Rk4ZsA", WebhookID: "w", Version: "2.0",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseEnvelope(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Envelope{}, "Digest")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, tt.body); err != nil || !bytes.Equal(compact.Bytes(), tt.body) {
				t.Errorf("not compact: %s", tt.body)
			}
		})
	}
}

func TestSampleSize(t *testing.T) {
	shortest := len(Sample{}.VehicleState())
	for _, size := range []int{shortest, shortest + 1, 2048, 2049, 2050, 5000, 50_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			body := Sample{Size: size}.VehicleState()
			if len(body) != size {
				t.Errorf("%d bytes, want %d", len(body), size)
			}
			e, err := ParseEvent(body)
			if err != nil {
				t.Fatal(err)
			}
			if len(e.Signals) != e.SignalCount || e.SignalCount < sampleSignalCount {
				t.Errorf("%d signals, signalCount %d", len(e.Signals), e.SignalCount)
			}
			if size >= 2048 && size < 20_000 && len(e.WebhookName) > 400 {
				t.Errorf("webhookName has %d characters", len(e.WebhookName))
			}
			if got := len(Sample{Size: size}.VehicleError()); got != size {
				t.Errorf("VEHICLE_ERROR of %d bytes, want %d", got, size)
			}
		})
	}
	if got := len(Sample{Size: 10}.VehicleState()); got != shortest {
		t.Errorf("%d bytes for too small a size, want %d", got, shortest)
	}
}

func TestSampleRetry(t *testing.T) {
	s := Sample{DeliveryID: "one", DeliveredAt: time.UnixMilli(1763626510233), Size: 2048}
	retry := s
	retry.DeliveryID, retry.DeliveredAt = "two", s.DeliveredAt.Add(25*time.Second)
	for name, bodies := range map[string][2][]byte{
		"state": {s.VehicleState(), retry.VehicleState()},
		"error": {s.VehicleError(), retry.VehicleError()},
	} {
		a, _ := ParseEnvelope(bodies[0])
		b, _ := ParseEnvelope(bodies[1])
		if bytes.Equal(bodies[0], bodies[1]) || a.Digest != b.Digest {
			t.Errorf("%s: digests %x and %x of a retry", name, a.Digest, b.Digest)
		}
	}
}

func BenchmarkSample(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Sample{Size: 2048}.VehicleState()
	}
}
