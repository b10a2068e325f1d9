package api

import (
	"encoding/json"
	"time"
)

// RawJSON is the payload as it came; unlike json.RawMessage it may be left out.
type RawJSON = json.RawMessage

// Event is one event in a list, without its payload.
type Event struct {
	Position   uint64    `json:"position"`
	Source     string    `json:"source"`
	ID         string    `json:"id"`
	Type       string    `json:"type,omitempty"`
	Mode       string    `json:"mode,omitempty"`
	VehicleID  string    `json:"vehicle_id,omitempty"`
	WebhookID  string    `json:"webhook_id,omitempty"`
	ReceivedAt time.Time `json:"received_at"`
	SizeBytes  int       `json:"size_bytes"`
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// EventDetail is one event with its payload and where it stands.
type EventDetail struct {
	Event
	Content
	Handlers []EventState `json:"handlers"`
}

// Content is what came, beside the envelope.
type Content struct {
	UserID      string `json:"user_id,omitempty"`
	DeliveryID  string `json:"delivery_id,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Signature   string `json:"signature,omitempty"`
	Unreadable  string `json:"unreadable,omitempty"`
	// Payload where the body is JSON, else PayloadBase64.
	Payload       RawJSON `json:"payload,omitempty"`
	PayloadBase64 []byte  `json:"payload_base64,omitempty"`
}

// EventState says where an event stands with one handler.
type EventState struct {
	Handler string `json:"handler"`
	// State is pending, deferred, settled or dead_letter.
	State string `json:"state"`
	Lane  string `json:"lane,omitempty"`
	RetryState
	DeadLetter string `json:"dead_letter,omitempty"`
}

// RetryState is what earlier deliveries left behind.
type RetryState struct {
	Attempts      int       `json:"attempts"`
	Crashes       int       `json:"crashes,omitempty"`
	NextAttemptAt time.Time `json:"next_attempt_at,omitzero"`
	FirstAt       time.Time `json:"first_attempt_at,omitzero"`
	LastAt        time.Time `json:"last_attempt_at,omitzero"`
	FirstError    string    `json:"first_error,omitempty"`
	LastError     string    `json:"last_error,omitempty"`
	Replay        string    `json:"replay,omitempty"`
}

// EventPage is one page of events.
type EventPage struct {
	Page[Event]
	// Damaged counts records on the way of this page that could not be read.
	Damaged int `json:"damaged,omitempty"`
}

// EventCount says what a replay of events would look at. Events that the handler's
// `when` does not want, and those that wait for it anyway, are among them.
type EventCount struct {
	DryRun        bool           `json:"dry_run"`
	Matched       int            `json:"matched"`
	ByType        map[string]int `json:"by_type"`
	FirstPosition uint64         `json:"first_position,omitempty"`
	LastPosition  uint64         `json:"last_position,omitempty"`
	Oldest        time.Time      `json:"oldest,omitzero"`
	Newest        time.Time      `json:"newest,omitzero"`
	Damaged       int            `json:"damaged,omitempty"`
}
