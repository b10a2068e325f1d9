// Package intake turns the body of a webhook into a buffer.Event.
package intake

import (
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// MaxEventID is well above the 36 characters of Smartcar's ids; the buffer keys by it.
const MaxEventID = 256

// MaxChallenge bounds the challenges that any receiver answers.
const MaxChallenge = 512

// anyChallenge is every text that some receiver may answer, whatever its own rule.
var anyChallenge = smartcar.ChallengeRule{Min: 1, Max: MaxChallenge}

// IsChallenge reports whether a body could be a challenge. Then its signature may be the answer to that, which anybody
// can ask for, and so it is never an event.
func IsChallenge(body []byte) bool {
	return len(body) <= MaxChallenge && anyChallenge.Plain(string(body))
}

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

// Complete fills in what ParseEnvelope said of e.Body, whose signature was right. Bytes that cannot be read are kept as
// well: a later version may read them, and sending them again changes nothing.
func Complete(e *buffer.Event, envelope *smartcar.Envelope, unreadable error) {
	Fill(e, envelope)
	if unreadable != nil {
		e.Unreadable = unreadable.Error()
	}
}
