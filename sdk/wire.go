package sdk

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// Only this file converts between public types and the wire, so that the public types stay free of protobuf.

func describeToWire(p *Plugin) *handlerv1.DescribeResponse {
	return &handlerv1.DescribeResponse{
		Name:       p.name,
		Version:    clip(p.settings.version),
		Schema:     schemaToWire(p.Schema()),
		EventTypes: p.settings.eventTypes,
		MaxBatch:   uint32(p.settings.maxBatch),
	}
}

func schemaToWire(s Schema) *handlerv1.Schema {
	wire := &handlerv1.Schema{}
	for _, a := range s.Attributes {
		wire.Attributes = append(wire.Attributes, &handlerv1.Attribute{
			Name: a.Name, Type: a.Type, Description: a.Description,
			Required: a.Required, DefaultJson: a.Default, Sensitive: a.Sensitive,
		})
	}
	for _, b := range s.Blocks {
		wire.Blocks = append(wire.Blocks, &handlerv1.Block{
			Name: b.Name, Description: b.Description, Required: b.Required,
			Nesting: nestingToWire(b.Nesting), Schema: schemaToWire(b.Schema),
		})
	}
	return wire
}

func nestingToWire(n Nesting) handlerv1.Block_Nesting {
	if n == NestingList {
		return handlerv1.Block_NESTING_LIST
	}
	return handlerv1.Block_NESTING_SINGLE
}

func diagnosticsToWire(diags []Diagnostic) []*handlerv1.Diagnostic {
	wire := make([]*handlerv1.Diagnostic, 0, len(diags))
	for _, d := range diags {
		severity := handlerv1.Diagnostic_SEVERITY_ERROR
		if d.Warning {
			severity = handlerv1.Diagnostic_SEVERITY_WARNING
		}
		path := make([]string, 0, len(d.Path))
		for _, step := range d.Path {
			path = append(path, clip(step))
		}
		wire = append(wire, &handlerv1.Diagnostic{
			Severity: severity,
			Summary:  clip(d.Summary),
			Detail:   clip(d.Detail),
			Path:     path,
		})
	}
	return wire
}

func eventsFromWire(wire []*handlerv1.Event) []*Event {
	events := make([]*Event, 0, len(wire))
	for _, w := range wire {
		events = append(events, &Event{
			ID:           w.GetId(),
			Type:         w.GetType(),
			Mode:         w.GetMode(),
			Source:       w.GetSource(),
			VehicleID:    w.GetVehicleId(),
			UserID:       w.GetUserId(),
			WebhookID:    w.GetWebhookId(),
			ReceivedAt:   timeFromWire(w.GetReceivedAt()),
			Attempt:      int(min(w.GetAttempt(), math.MaxInt32)),
			Replay:       w.GetReplay(),
			StaleSignals: w.GetStaleSignals(),
			Payload:      w.GetPayload(),
			Signature:    w.GetSignature(),
			ContentType:  w.GetContentType(),
			Position:     w.GetPosition(),
		})
	}
	return events
}

func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func resultsToWire(results []Result) []*handlerv1.Result {
	wire := make([]*handlerv1.Result, 0, len(results))
	for _, r := range results {
		wire = append(wire, &handlerv1.Result{
			Status:     statusToWire(r.Status),
			RetryAfter: durationToWire(r.RetryAfter),
			Reason:     r.Reason,
			Error:      r.Error,
		})
	}
	return wire
}

func statusToWire(s Status) handlerv1.Result_Status {
	switch s {
	case StatusDone:
		return handlerv1.Result_STATUS_DONE
	case StatusReject:
		return handlerv1.Result_STATUS_REJECT
	case StatusUnavailable:
		return handlerv1.Result_STATUS_UNAVAILABLE
	}
	return handlerv1.Result_STATUS_RETRY
}

func durationToWire(d time.Duration) *durationpb.Duration {
	if d <= 0 {
		return nil
	}
	return durationpb.New(d)
}

func conditionsToWire(list []Condition) *handlerv1.WatchConditionsResponse {
	wire := &handlerv1.WatchConditionsResponse{}
	for _, c := range list {
		wire.Conditions = append(wire.Conditions, &handlerv1.Condition{Name: c.Name, Text: c.Text, Advice: c.Advice})
	}
	return wire
}
