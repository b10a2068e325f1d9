package pluginhost

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// This file is the one place that knows both the protocol's types and ours.

const (
	// maxBatchCap bounds what a plugin may ask for as a batch.
	maxBatchCap = 10_000
	// maxReason bounds the plugin's own word for a rejection, which groups dead letters.
	maxReason = 64
	// maxName bounds a plugin's name and version.
	maxName = 128
)

func toAbout(d *handlerv1.DescribeResponse) about {
	a := about{
		name:     capTo(d.GetName(), maxName),
		version:  capTo(d.GetVersion(), maxName),
		maxBatch: int(min(max(d.GetMaxBatch(), 1), maxBatchCap)),
	}
	a.setTypes(d.GetEventTypes())
	return a
}

// configured adds what the plugin knows of itself only with its config.
func (a *about) configured(c *handlerv1.ConfigureResponse) {
	if len(c.GetEventTypes()) > 0 {
		a.setTypes(c.GetEventTypes())
	}
	if c.GetMaxBatch() > 0 {
		a.maxBatch = int(min(c.GetMaxBatch(), maxBatchCap))
	}
}

func (a *about) setTypes(types []string) {
	a.types = make(map[string]struct{}, len(types))
	for _, t := range types {
		a.types[t] = struct{}{}
	}
}

func toSchema(s *handlerv1.Schema) sdk.Schema {
	var schema sdk.Schema
	for _, a := range s.GetAttributes() {
		attr := sdk.Attribute{
			Name: a.GetName(), Type: a.GetType(), Description: a.GetDescription(),
			Required: a.GetRequired(), Sensitive: a.GetSensitive(),
		}
		if len(a.GetDefaultJson()) > 0 {
			attr.Default = a.GetDefaultJson()
		}
		schema.Attributes = append(schema.Attributes, attr)
	}
	for _, b := range s.GetBlocks() {
		nesting := sdk.NestingSingle
		if b.GetNesting() == handlerv1.Block_NESTING_LIST {
			nesting = sdk.NestingList
		}
		schema.Blocks = append(schema.Blocks, sdk.Block{
			Name: b.GetName(), Description: b.GetDescription(), Nesting: nesting,
			Required: b.GetRequired(), Schema: toSchema(b.GetSchema()),
		})
	}
	return schema
}

// toDiagnostics takes whatever is not called a warning for an error.
func toDiagnostics(diags []*handlerv1.Diagnostic) []sdk.Diagnostic {
	var out []sdk.Diagnostic
	for _, d := range diags {
		out = append(out, sdk.Diagnostic{
			Warning: d.GetSeverity() == handlerv1.Diagnostic_SEVERITY_WARNING,
			Summary: capText(d.GetSummary()),
			Detail:  capText(d.GetDetail()),
			Path:    d.GetPath(),
		})
	}
	return out
}

// toRequest shares the bodies' bytes with the events.
func toRequest(batch []dispatch.Delivery) *handlerv1.HandleRequest {
	// Three allocations for a batch of any size.
	events := make([]handlerv1.Event, len(batch))
	times := make([]timestamppb.Timestamp, len(batch))
	req := &handlerv1.HandleRequest{Events: make([]*handlerv1.Event, len(batch))}
	for i, d := range batch {
		e := d.Event
		times[i].Seconds = e.ReceivedAt.Unix()
		times[i].Nanos = int32(e.ReceivedAt.Nanosecond())
		w := &events[i]
		w.Id, w.Type, w.Mode, w.Source = utf8Text(e.ID), utf8Text(e.Type), utf8Text(e.Mode), utf8Text(e.Source)
		w.VehicleId, w.UserId, w.WebhookId = utf8Text(e.VehicleID), utf8Text(e.UserID), utf8Text(e.WebhookID)
		w.ReceivedAt = &times[i]
		w.Attempt = uint32(min(max(d.Attempt, 0), math.MaxInt32))
		w.Payload = e.Body
		w.Signature, w.ContentType = utf8Text(e.Signature), utf8Text(e.ContentType)
		w.Position = e.Position
		w.Replay, w.StaleSignals = d.Replay, d.Stale
		req.Events[i] = w
	}
	return req
}

// utf8Text lets a header of odd bytes not fail the whole message: protobuf refuses
// strings that are not UTF-8.
func utf8Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// toResults makes n results of what the plugin answered. Where the numbers differ,
// none of the events is finished.
func toResults(results []*handlerv1.Result, n int) []dispatch.Result {
	if len(results) != n {
		return unfinished(n, (&answerError{results: len(results), events: n}).Error())
	}
	out := make([]dispatch.Result, n)
	for i := range out {
		out[i] = toResult(results[i])
	}
	return out
}

// unfinished are the results of n events of a call that failed because of the plugin.
func unfinished(n int, why string) []dispatch.Result {
	return slices.Repeat([]dispatch.Result{{Status: dispatch.Retry, Error: capText(why)}}, n)
}

func toResult(r *handlerv1.Result) dispatch.Result {
	res := dispatch.Result{After: toDuration(r.GetRetryAfter()), Error: capText(r.GetError())}
	switch r.GetStatus() {
	case handlerv1.Result_STATUS_DONE:
		return dispatch.Result{Status: dispatch.Done}
	case handlerv1.Result_STATUS_RETRY:
		res.Status = dispatch.Retry
	case handlerv1.Result_STATUS_REJECT:
		res.Status, res.After = dispatch.Reject, 0
		res.Reason = capTo(r.GetReason(), maxReason)
	case handlerv1.Result_STATUS_UNAVAILABLE:
		res.Status = dispatch.Unavailable
	default:
		res.Status = dispatch.Retry
		if res.Error == "" {
			res.Error = fmt.Sprintf("the plugin gave a result of status %d, which this host does not know", r.GetStatus())
		}
	}
	return res
}

func toDuration(d *durationpb.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return max(0, d.AsDuration())
}
