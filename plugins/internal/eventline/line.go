// Package eventline writes an event as one line of JSON, for the plugins whose output or protocol is lines.
package eventline

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Form is what a line may have or not. The zero value is the form that keeps every byte.
type Form struct {
	// Raw writes every payload as payload_base64.
	Raw bool
	// Compact sets a payload that spans lines on one line, instead of writing it as payload_base64.
	Compact bool
	// ContentType adds the field content_type.
	ContentType bool
}

// head is a line without its payload.
type head struct {
	EventID      string   `json:"event_id"`
	EventType    string   `json:"event_type"`
	Mode         string   `json:"mode"`
	Source       string   `json:"source"`
	VehicleID    string   `json:"vehicle_id"`
	UserID       string   `json:"user_id"`
	WebhookID    string   `json:"webhook_id"`
	ReceivedAt   string   `json:"received_at"`
	Attempt      int      `json:"attempt"`
	Position     uint64   `json:"position"`
	Replay       bool     `json:"replay,omitempty"`
	StaleSignals []string `json:"stale_signals,omitempty"`
	Signature    string   `json:"signature"`
	ContentType  *string  `json:"content_type,omitempty"`
}

// Append appends an event as a JSON object without a line break in it. If the payload is JSON in UTF-8 on one line, the
// object has it byte for byte, so that its signature can still be checked; anything else is payload_base64, which keeps
// every byte too.
func Append(b []byte, e *sdk.Event, f Form) ([]byte, error) {
	h := head{
		EventID: e.ID, EventType: e.Type, Mode: e.Mode, Source: e.Source,
		VehicleID: e.VehicleID, UserID: e.UserID, WebhookID: e.WebhookID,
		ReceivedAt: e.ReceivedAt.UTC().Format(time.RFC3339Nano),
		Attempt:    e.Attempt, Position: e.Position, Signature: e.Signature,
		Replay: e.Replay, StaleSignals: e.StaleSignals,
	}
	if f.ContentType {
		h.ContentType = &e.ContentType
	}
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encoding the line: %w", err)
	}
	b = append(b, line[:len(line)-1]...)
	if payload, ok := plain(e.Payload, f); ok {
		// json.RawMessage would be compacted and escaped, which changes the bytes.
		b = append(b, `,"payload":`...)
		b = append(b, payload...)
		return append(b, '}'), nil
	}
	b = append(b, `,"payload_base64":"`...)
	b = base64.StdEncoding.AppendEncode(b, e.Payload)
	return append(b, `"}`...), nil
}

// plain is a payload that may stand in a line as it is.
func plain(payload []byte, f Form) ([]byte, bool) {
	if f.Raw || !json.Valid(payload) || !utf8.Valid(payload) {
		return nil, false
	}
	if !bytes.ContainsAny(payload, "\r\n") {
		return payload, true
	}
	if !f.Compact {
		return nil, false
	}
	var compact bytes.Buffer
	if json.Compact(&compact, payload) != nil {
		return nil, false
	}
	return compact.Bytes(), true
}
