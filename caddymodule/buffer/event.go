package buffer

import "time"

// Event is one webhook as it is stored: the raw body and what the envelope says.
type Event struct {
	// Position orders events in one buffer: larger is later. 0 is no position.
	Position uint64
	// Source is the name of the receiver that took the event.
	Source string
	// ID is Smartcar's eventId; for bodies without one, a digest of the body.
	ID string
	// Type, Mode, VehicleID, UserID, WebhookID and DeliveryID are what the envelope
	// says, "" where it does not.
	Type, Mode, VehicleID, UserID, WebhookID, DeliveryID string
	// ReceivedAt is when the receiver took the event.
	ReceivedAt time.Time
	// Signature and ContentType are the request's headers as they came.
	Signature, ContentType string
	// Digest of the body without what changes on a retry (meta.deliveryId,
	// meta.deliveredAt), to tell a retry from a different event under the same id.
	Digest uint64
	// Unreadable says why the body could not be read as an event; "" when it could.
	Unreadable string
	// TraceParent is the span that stored the event, if its request was traced.
	TraceParent TraceParent
	// Body is the request's body, byte for byte.
	Body []byte
}

// Lane names the ordered sequence that the event belongs to: its vehicle's, or
// its webhook's where there is no vehicle.
func (e *Event) Lane() string {
	if e.VehicleID != "" {
		return "vehicle/" + e.VehicleID
	}
	return "webhook/" + e.WebhookID
}
