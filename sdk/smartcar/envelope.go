package smartcar

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// The event types of version 4. Treat them as an open set.
const (
	TypeVerify       = "VERIFY"
	TypeVehicleState = "VEHICLE_STATE"
	TypeVehicleError = "VEHICLE_ERROR"
)

// typeVerifyV2 is the eventName of a VERIFY in version 2.0.
const typeVerifyV2 = "verify"

// The modes that Smartcar has been seen to send. Treat them as an open set; version 2.0 also has SIMULATED.
const (
	ModeLive = "LIVE"
	ModeTest = "TEST"
)

// Envelope is what is read from every event before it is stored. A field is empty if the body does not have it or has
// something other than a string there.
type Envelope struct {
	// EventID is the same on every attempt to deliver the event, and the only key that finds duplicates: eventId, in
	// version 2.0 payload.eventId. It may be empty; [BodyDigest] gives a substitute.
	EventID string
	// EventType is eventType, in version 2.0 eventName; never empty if [ParseEnvelope] returned no error.
	EventType string
	// Mode is meta.mode, in version 2.0 mode, in capitals: LIVE, TEST. Version 2.0 writes live.
	Mode string
	// VehicleID is data.vehicle.id, else vehicleId, in version 2.0 payload.vehicleId, else the one vehicle that
	// payload.vehicles names. It is empty if that names several.
	VehicleID string
	// UserID is data.user.id.
	UserID string
	// WebhookID is meta.webhookId, in version 2.0 webhookId.
	WebhookID string
	// DeliveryID is meta.deliveryId, a new one on each attempt.
	DeliveryID string
	// Version is meta.version, in version 2.0 version.
	Version string
	// Challenge is data.challenge, in version 2.0 payload.challenge; only set if
	// IsVerify.
	Challenge string
	// IsVerify is set for a request that verifies the callback address, in either
	// version.
	IsVerify bool
	// DeliveredAt is meta.deliveredAt, else meta.deliveryTime: when this attempt was
	// sent. Smartcar writes milliseconds or a date; zero if there is neither.
	DeliveredAt time.Time
	// Digest is two CRC-32 of the body without the values of meta.deliveryId,
	// meta.deliveredAt and meta.deliveryTime: a retry has the digest of the first
	// attempt. For a body that is not a JSON object it covers the whole body.
	Digest uint64
}

// UnreadableError is why a body could not be read as an event. It contains nothing of the body.
type UnreadableError struct {
	// Reason is a short text, such as "not a JSON object".
	Reason string
	// Offset is the byte at which reading ended, -1 if no single byte is wrong.
	Offset int
}

func (e *UnreadableError) Error() string {
	if e.Offset < 0 {
		return "unreadable body: " + e.Reason
	}
	return fmt.Sprintf("unreadable body: %s at byte %d", e.Reason, e.Offset)
}

// ParseEnvelope reads the envelope of body, in version 4 or 2.0. It agrees with
// encoding/json on what is valid JSON. Keys are case-sensitive, and of keys that
// appear twice the last one counts. Unknown fields are accepted.
//
// The error is an [*UnreadableError]: the body is not a JSON object, or it has
// neither eventType nor eventName. The envelope then has what could be read, and always the Digest.
func ParseEnvelope(body []byte) (Envelope, error) {
	s := scanner{b: body}
	if !s.text() {
		return Envelope{Digest: digest(body, nil)}, s.failure()
	}
	e := Envelope{Digest: digest(body, s.cuts[:s.ncuts])}
	s.fill(&e)
	if e.EventType == "" {
		return e, &UnreadableError{Reason: "neither eventType nor eventName says what it is", Offset: -1}
	}
	return e, nil
}

// failure gives the reason why text returned false.
func (s *scanner) failure() error {
	start := bytes.TrimLeft(s.b, " \t\r\n")
	switch {
	case len(start) == 0:
		return &UnreadableError{Reason: "empty", Offset: -1}
	case start[0] != '{':
		return &UnreadableError{Reason: "not a JSON object", Offset: -1}
	case s.i == len(s.b):
		return &UnreadableError{Reason: "the JSON ends too early", Offset: s.i}
	case s.depth == maxDepth:
		return &UnreadableError{Reason: "nested too deeply", Offset: s.i}
	}
	return &UnreadableError{Reason: "not valid JSON", Offset: s.i}
}

// fill copies the noted values into e. All strings share one allocation.
func (s *scanner) fill(e *Envelope) {
	fields := [...]struct {
		to   *string
		from span
	}{
		{&e.EventID, s.first(slotEventID, slotPayloadEventID)},
		{&e.EventType, s.first(slotEventType, slotEventName)},
		{&e.Mode, s.first(slotMetaMode, slotMode)},
		{&e.VehicleID, s.first(slotDataVehicleID, slotVehicleID, slotPayloadVehicleID, slotOnlyVehicleID)},
		{&e.UserID, s.first(slotDataUserID)},
		{&e.WebhookID, s.first(slotMetaWebhookID, slotWebhookID)},
		{&e.DeliveryID, s.first(slotMetaDeliveryID)},
		{&e.Version, s.first(slotMetaVersion, slotVersion)},
		{&e.Challenge, s.first(slotDataChallenge, slotPayloadChallenge)},
	}
	size := 0
	for _, f := range fields {
		size += f.from.to - f.from.from
	}
	var all strings.Builder
	all.Grow(size)
	for _, f := range fields {
		*f.to = s.copyText(&all, f.from)
	}
	e.Mode = strings.ToUpper(e.Mode)
	e.IsVerify = e.EventType == TypeVerify || e.EventType == typeVerifyV2
	if !e.IsVerify {
		e.Challenge = ""
	}
	e.DeliveredAt = parseTime(s.raw(slotMetaDeliveredAt))
	if e.DeliveredAt.IsZero() {
		e.DeliveredAt = parseTime(s.raw(slotMetaDeliveryTime))
	}
}

// first returns the first of the values that is a string and not empty.
func (s *scanner) first(of ...slot) span {
	for _, at := range of {
		if v := s.spans[at]; v.to-v.from > len(`""`) && s.b[v.from] == '"' {
			return v
		}
	}
	return span{}
}

func (s *scanner) raw(at slot) []byte { return s.b[s.spans[at].from:s.spans[at].to] }

// copyText returns the string that v spans. It is in the memory of all unless it has escapes.
func (s *scanner) copyText(all *strings.Builder, v span) string {
	if v == (span{}) {
		return ""
	}
	quoted := s.b[v.from:v.to]
	if !spelt(quoted) {
		return unquote(quoted)
	}
	from := all.Len()
	all.Write(quoted[1 : len(quoted)-1])
	return all.String()[from:]
}

// LogValue gives what is useful in a log and nothing personal: neither the user nor the challenge.
func (e Envelope) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("event", e.EventID),
		slog.String("type", e.EventType),
		slog.String("mode", e.Mode),
		slog.String("vehicle", e.VehicleID),
		slog.String("webhook", e.WebhookID),
		slog.String("delivery", e.DeliveryID),
	)
}
