package main

import (
	"bytes"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// samples is how many different bodies are sent in turn, each of another vehicle: one body
// again and again would stay in the processor's cache, and look better than it is.
const samples = 256

// sample is one VEHICLE_STATE of the given size.
func sample(size int) []byte {
	return vary(smartcar.Sample{
		EventID: uuid.NewString(), VehicleID: uuid.NewString(), UserID: uuid.NewString(), DeliveryID: uuid.NewString(),
		RecordedAt: time.Now().Add(-rand.N(time.Hour)), DeliveredAt: time.Now(), Mode: smartcar.ModeLive, Size: size,
	}.VehicleState())
}

var valueKey = []byte(`"value":`)

// vary changes the numbers of a body's readings, as they differ from car to car; their
// length stays.
func vary(body []byte) []byte {
	for rest := body; ; {
		at := bytes.Index(rest, valueKey)
		if at < 0 {
			return body
		}
		rest = rest[at+len(valueKey):]
		for i := 0; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
			rest[i] = byte('1' + rand.IntN(9))
		}
	}
}
