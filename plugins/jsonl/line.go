package jsonl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

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
}

// appendLine appends an event's line. If the payload is JSON in UTF-8 on one line, the line has it byte for byte, so
// that its signature can still be checked; anything else is payload_base64, which keeps every byte too.
func appendLine(b []byte, e *sdk.Event) ([]byte, error) {
	line, err := json.Marshal(head{
		EventID: e.ID, EventType: e.Type, Mode: e.Mode, Source: e.Source,
		VehicleID: e.VehicleID, UserID: e.UserID, WebhookID: e.WebhookID,
		ReceivedAt: e.ReceivedAt.UTC().Format(time.RFC3339Nano),
		Attempt:    e.Attempt, Position: e.Position, Signature: e.Signature,
		Replay: e.Replay, StaleSignals: e.StaleSignals,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the line: %w", err)
	}
	b = append(b, line[:len(line)-1]...)
	if json.Valid(e.Payload) && utf8.Valid(e.Payload) && !bytes.ContainsAny(e.Payload, "\r\n") {
		// json.RawMessage would be compacted and escaped, which changes the bytes.
		b = append(b, `,"payload":`...)
		b = append(b, e.Payload...)
		return append(b, "}\n"...), nil
	}
	b = append(b, `,"payload_base64":"`...)
	b = base64.StdEncoding.AppendEncode(b, e.Payload)
	return append(b, "\"}\n"...), nil
}
