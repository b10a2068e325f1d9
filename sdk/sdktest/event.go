package sdktest

import (
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Token signs the events made here; smartcar.NewKeys(Token) verifies them.
const Token = "sdktest-00000000-0000-4000-8000-000000000000"

// Event makes an event of a body, signed with [Token], with type and ids as the receiver reads them from the body; they
// are empty if it cannot be read. smartcar.Sample makes bodies. The test sets what only the host knows, such as
// Attempt, Replay and StaleSignals.
func Event(body []byte) *sdk.Event {
	e := &sdk.Event{
		Source:      "sdktest",
		ReceivedAt:  time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC),
		Attempt:     1,
		Payload:     body,
		Signature:   smartcar.Sign(Token, body),
		ContentType: "application/json",
	}
	// An unreadable body has an empty envelope.
	envelope, _ := smartcar.ParseEnvelope(body)
	e.ID, e.Type, e.Mode = envelope.EventID, envelope.EventType, envelope.Mode
	e.VehicleID, e.UserID, e.WebhookID = envelope.VehicleID, envelope.UserID, envelope.WebhookID
	return e
}

// VehicleState makes an event with a few signals of a vehicle, such as tractionbattery-stateofcharge.
func VehicleState(eventID, vehicleID string) *sdk.Event {
	return Event(smartcar.Sample{EventID: eventID, VehicleID: vehicleID}.VehicleState())
}

// VehicleError makes an event about a vehicle that must be connected again.
func VehicleError(eventID, vehicleID string) *sdk.Event {
	return Event(smartcar.Sample{EventID: eventID, VehicleID: vehicleID}.VehicleError())
}

// complete sets what every event in a batch has; i is its index.
func complete(e *sdk.Event, i int) *sdk.Event {
	full := *e
	if full.ID == "" {
		full.ID = fmt.Sprintf("event-%d", i+1)
	}
	if full.Position == 0 {
		full.Position = uint64(i + 1)
	}
	if full.Attempt == 0 {
		full.Attempt = 1
	}
	if full.ReceivedAt.IsZero() {
		full.ReceivedAt = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	}
	return &full
}
