package sdk

import (
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Event is one webhook from Smartcar, as it was received and stored.
type Event struct {
	// ID is Smartcar's eventId: the same at every delivery of this event, and so the key for idempotency. For a body
	// without one it is a digest of the body.
	ID string
	// Type is Smartcar's eventType: "VEHICLE_STATE", "VEHICLE_ERROR", or one that is not known yet.
	Type string
	// Mode is "LIVE", "TEST", or "" where Smartcar sent none; always in capitals.
	Mode string
	// Source is the name of the receiver that took the event.
	Source string
	// VehicleID, UserID and WebhookID are "" where the body has none; so is VehicleID in an event of version 2.0 with a
	// list of several vehicles, see smartcar.Legacy.
	VehicleID, UserID, WebhookID string
	// ReceivedAt is when the receiver took the event, in UTC.
	ReceivedAt time.Time
	// Attempt is 1 at the first delivery of this event to this handler.
	Attempt int
	// Replay is set when an operator asked for this event again. The handler has finished it before, has given up on
	// it, or did not exist yet when it came; so it may be older than events that the handler has had.
	Replay bool
	// StaleSignals are the codes, such as "charge-ischarging", of those signals of a VEHICLE_STATE that are not newer
	// than what the handler has finished of the same vehicle before; sorted, nil if there are none. Smartcar keeps no
	// order and repeats signals that have not changed. Signals are compared as Smartcar advises, by meta.oemUpdatedAt,
	// then meta.retrievedAt, then the event's meta.sequence. Equal is not newer; in a replay only what is older is
	// stale. A signal that failed, has no time, or has one in the future, is never stale. With signals
	// { stale = "deliver" } in the handlers file there are none.
	StaleSignals []string
	// Payload is the body byte for byte as Smartcar sent it, but without the stale signals if the handlers file says
	// signals { stale = "drop" }. It belongs to the handler, which may keep it.
	Payload []byte
	// Signature is the SC-Signature header as it came, "" if signals were dropped from Payload, which it would no
	// longer fit. ContentType is the Content-Type header.
	Signature, ContentType string
	// Position orders the events of one buffer: larger is later.
	Position uint64
}

// IsStale reports whether the signal with this code is one of StaleSignals, and so should not overwrite what the
// handler has stored of it.
func (e *Event) IsStale(code string) bool { return slices.Contains(e.StaleSignals, code) }

// Decode reads the whole payload: signals, triggers, errors, vehicle and user, in every form that Smartcar is known
// to send. It parses again at each call. It fails when the payload is not a JSON object with an event's envelope; no
// retry changes that, so a handler returns the error with [Reject].
func (e *Event) Decode() (*smartcar.Event, error) { return smartcar.ParseEvent(e.Payload) }

// lane is the sequence in which the event must stay in order, by the host's own rule.
func (e *Event) lane() string {
	if e.VehicleID != "" {
		return "vehicle/" + e.VehicleID
	}
	return "webhook/" + e.WebhookID
}
