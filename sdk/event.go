package sdk

import "time"

// Event is one webhook from Smartcar, as it was received and stored.
type Event struct {
	// ID is Smartcar's eventId: the same at every delivery of this event, and so the
	// key for idempotency. For bodies without one it is a digest of the body.
	ID string
	// Type is Smartcar's eventType: "VEHICLE_STATE", "VEHICLE_ERROR", or one that is
	// not known yet.
	Type string
	// Mode is "LIVE", "TEST", or "" where Smartcar sent none.
	Mode string
	// Source is the name of the receiver that took the event.
	Source string
	// VehicleID, UserID and WebhookID are "" where the body has none.
	VehicleID, UserID, WebhookID string
	// ReceivedAt is when the receiver took the event, in UTC.
	ReceivedAt time.Time
	// Attempt is 1 at the first delivery of this event to this handler.
	Attempt int
	// Payload is the request's body, byte for byte as Smartcar sent it. It belongs to
	// the handler, which may keep it.
	Payload []byte
	// Signature is the SC-Signature header and ContentType the Content-Type header,
	// as they came.
	Signature, ContentType string
	// Position orders the events of one buffer: larger is later.
	Position uint64
}

// lane names the events that must stay in order, as the host does.
func (e *Event) lane() string {
	if e.VehicleID != "" {
		return "vehicle/" + e.VehicleID
	}
	return "webhook/" + e.WebhookID
}
