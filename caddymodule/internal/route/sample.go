package route

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// samples are events of the shapes that come in: one that says nothing, one of
// each type, and one that no sender should send.
func samples() []*buffer.Event {
	return []*buffer.Event{
		{},
		{
			Source: "default", ID: "0b6b2a2e-8c1f-4d0e-9a51-1d6f0c7f9a10", Type: "VEHICLE_STATE", Mode: "LIVE",
			VehicleID: "3f8e1d7c-2b5a-4c69-9d80-6a7b8c9d0e1f", UserID: "7a1c9e42-5f3d-4b8a-8e6c-0d2b4f6a8c1e",
			WebhookID: "d3b7c1a0-52e4-4f6b-8a9d-0c1e2f3a4b5c", ReceivedAt: time.Unix(1767225600, 0),
		},
		{
			Source: "staging", ID: "1c7d3b3f-9d2a-4e1f-8b62-2e7a1d8b0c21", Type: "VEHICLE_ERROR", Mode: "TEST",
			VehicleID: "3f8e1d7c-2b5a-4c69-9d80-6a7b8c9d0e1f", ReceivedAt: time.Unix(0, 0),
		},
		{
			Source: "e\u0301", ID: "\xff\xfe", Type: "\u212b", Mode: " ", VehicleID: "a\x00b", UserID: "\u1e9e\u0130",
			WebhookID: "\U0001f697\u200d", ReceivedAt: time.Unix(-1, 0),
		},
	}
}
