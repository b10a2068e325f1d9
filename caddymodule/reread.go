package caddymodule

import (
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// rereadEvent reads the body of an event that could not be read when it came: this
// program may be a later one. Its error holds nothing of the body.
func rereadEvent(e *buffer.Event) error {
	envelope, err := smartcar.ParseEnvelope(e.Body)
	if err != nil {
		return err
	}
	if envelope.IsVerify {
		return errors.New("it is a VERIFY, not an event")
	}
	fillEnvelope(e, &envelope)
	e.Unreadable = ""
	return nil
}

// fillEnvelope fills in what the envelope says of e.Body.
func fillEnvelope(e *buffer.Event, envelope *smartcar.Envelope) {
	e.ID = eventID(envelope.EventID, e.Body)
	e.Type = envelope.EventType
	e.Mode = envelope.Mode
	e.VehicleID = envelope.VehicleID
	e.UserID = envelope.UserID
	e.WebhookID = envelope.WebhookID
	e.DeliveryID = envelope.DeliveryID
	e.Digest = envelope.Digest
}
