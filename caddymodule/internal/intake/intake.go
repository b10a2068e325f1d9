// Package intake turns the body of a webhook into a buffer.Event.
package intake

import (
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// MaxEventID is well above the 36 characters of Smartcar's ids; the buffer keys by it.
const MaxEventID = 256

// eventID is Smartcar's, or a digest of the body where there is none that is fit to be a key.
func eventID(id string, body []byte) string {
	if id != "" && len(id) <= MaxEventID {
		return id
	}
	return smartcar.BodyDigest(body)
}

// Reread reads the body of an event that could not be read when it came: this
// program may be a later one. Its error holds nothing of the body.
func Reread(e *buffer.Event) error {
	envelope, err := smartcar.ParseEnvelope(e.Body)
	if err != nil {
		return err
	}
	if !IsEvent(&envelope) {
		return errors.New("it is a VERIFY, not an event")
	}
	Fill(e, &envelope)
	e.Unreadable = ""
	return nil
}

// IsEvent reports whether a signed body is an event: all but a VERIFY. What has a vehicle and no challenge only bears
// that name.
func IsEvent(e *smartcar.Envelope) bool {
	return !e.IsVerify || e.Challenge == "" && e.VehicleID != ""
}

// Fill fills in what the envelope says of e.Body.
func Fill(e *buffer.Event, envelope *smartcar.Envelope) {
	e.ID = eventID(envelope.EventID, e.Body)
	e.Type = envelope.EventType
	e.Mode = envelope.Mode
	e.VehicleID = envelope.VehicleID
	e.UserID = envelope.UserID
	e.WebhookID = envelope.WebhookID
	e.DeliveryID = envelope.DeliveryID
	e.Digest = envelope.Digest
}
