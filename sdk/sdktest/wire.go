package sdktest

import (
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

func eventToWire(e *sdk.Event) *handlerv1.Event {
	return &handlerv1.Event{
		Id:           e.ID,
		Type:         e.Type,
		Mode:         e.Mode,
		Source:       e.Source,
		VehicleId:    e.VehicleID,
		UserId:       e.UserID,
		WebhookId:    e.WebhookID,
		ReceivedAt:   timestamppb.New(e.ReceivedAt),
		Attempt:      uint32(e.Attempt),
		Payload:      e.Payload,
		Signature:    e.Signature,
		ContentType:  e.ContentType,
		Position:     e.Position,
		Replay:       e.Replay,
		StaleSignals: e.StaleSignals,
	}
}

func resultFromWire(r *handlerv1.Result) sdk.Result {
	return sdk.Result{
		Status:     statusFromWire(r.GetStatus()),
		RetryAfter: r.GetRetryAfter().AsDuration(),
		Reason:     r.GetReason(),
		Error:      r.GetError(),
	}
}

func statusFromWire(s handlerv1.Result_Status) sdk.Status {
	switch s {
	case handlerv1.Result_STATUS_DONE:
		return sdk.StatusDone
	case handlerv1.Result_STATUS_REJECT:
		return sdk.StatusReject
	case handlerv1.Result_STATUS_UNAVAILABLE:
		return sdk.StatusUnavailable
	}
	// As the host takes it: a plugin that forgot to answer has not finished.
	return sdk.StatusRetry
}

// statusText is the plugin's own text of a gRPC error.
func statusText(err error) string { return status.Convert(err).Message() }
