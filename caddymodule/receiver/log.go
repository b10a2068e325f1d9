package receiver

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// logLimited writes a line if its level is wanted and the limit of its kind allows it; attrs is
// only called then.
func (g *Gate) logLimited(
	ctx context.Context, kind string, level slog.Level, msg string, attrs func() []slog.Attr,
) {
	if !g.log.Enabled(ctx, level) {
		return
	}
	skipped, ok := g.limits.of(kind).allow()
	if !ok {
		return
	}
	list := attrs()
	if skipped > 0 {
		list = append(list, slog.Int64("lines_left_out", skipped))
	}
	if level >= slog.LevelError {
		// With the context of a request Caddy adds a stack trace of 3 KB to each error.
		ctx = context.Background()
	}
	g.log.LogAttrs(ctx, level, msg, list...)
}

// writes reports whether a stage is to be logged.
func (g *Gate) writes(ctx context.Context, st stage.Stage) bool {
	return g.stages.Has(st) && g.log.Enabled(ctx, slog.LevelInfo)
}

// logStage writes the line of a stage, which each event has: so it leaves out what costs as much as the line itself and
// is not in it. Nobody sees where in the code it was called. And with the context of a request Caddy makes a logger of
// its own for the request, for the fields that tracing and the request's uuid add: only where there may be any.
func (g *Gate) logStage(r *http.Request, msg string, attrs ...slog.Attr) {
	ctx := context.Background()
	if hasLogFields(r.Context()) {
		ctx = r.Context()
	}
	record := slog.NewRecord(time.Now(), slog.LevelInfo, msg, 0)
	record.AddAttrs(attrs...)
	_ = g.log.Handler().Handle(ctx, record)
}

// hasLogFields reports whether Caddy may have fields for the lines of this request: its trace's, and its uuid if the
// config has asked for that.
func hasLogFields(ctx context.Context) bool {
	return trace.SpanContextFromContext(ctx).IsValid() || caddyhttp.GetVar(ctx, "uuid") != nil
}

// logSignature is for each request with a right signature, a signed VERIFY included.
func (g *Gate) logSignature(r *http.Request, o *outcome, eventID, eventType, deliveryID string) {
	if !g.writes(r.Context(), stage.SignatureVerified) {
		return
	}
	g.logStage(r, "signature verified",
		slog.String("event", string(stage.SignatureVerified)),
		slog.String("source", g.Source),
		slog.Int("token", o.token),
		slog.String("event_id", printable(eventID)),
		slog.String("event_type", printable(eventType)),
		slog.String("delivery_id", printable(deliveryID)),
		slog.String("remote_ip", remoteIP(r)))
}

func (g *Gate) logReceived(r *http.Request, o *outcome, ev *buffer.Event) {
	if !g.writes(r.Context(), stage.WebhookReceived) {
		return
	}
	g.logStage(r, "webhook received", g.eventAttrs(r, o, ev)...)
}

// logUnreadable is a warning each time, whichever stages are written: the signature was right, so these come from
// Smartcar, and somebody has to look at them.
func (rc *Receiver) logUnreadable(r *http.Request, o *outcome, ev *buffer.Event) {
	rc.log.LogAttrs(r.Context(), slog.LevelWarn,
		"webhook with a right signature cannot be read; it was stored as a dead letter",
		append(rc.eventAttrs(r, o, ev), slog.String("reason", ev.Unreadable))...)
}

func (rc *Receiver) logDiffers(r *http.Request, o *outcome, kept bool) {
	const event = "webhook.duplicate_differs"
	rc.logLimited(r.Context(), event, slog.LevelWarn,
		"another event is stored under this id, with other data",
		func() []slog.Attr {
			return []slog.Attr{
				slog.String("event", event),
				slog.String("source", rc.Source),
				slog.String("event_id", printable(o.eventID)),
				slog.Bool("dead_letter", kept),
				slog.String("remote_ip", remoteIP(r)),
			}
		})
}

func (g *Gate) eventAttrs(r *http.Request, o *outcome, ev *buffer.Event) []slog.Attr {
	return []slog.Attr{
		slog.String("event", string(stage.WebhookReceived)),
		slog.String("source", g.Source),
		slog.String("outcome", o.result),
		slog.Bool("signature_valid", true),
		slog.Int("token", o.token),
		slog.String("event_id", printable(ev.ID)),
		slog.String("event_type", printable(ev.Type)),
		slog.String("vehicle_id", printable(ev.VehicleID)),
		slog.String("delivery_id", printable(ev.DeliveryID)),
		slog.String("remote_ip", remoteIP(r)),
		slog.Int("payload_bytes", len(ev.Body)),
	}
}

func (g *Gate) logVerified(r *http.Request, o *outcome, e *smartcar.Envelope) {
	const event = "webhook.verified"
	g.logLimited(r.Context(), event, slog.LevelInfo, "answered a VERIFY request", func() []slog.Attr {
		return []slog.Attr{
			slog.String("event", event),
			slog.String("source", g.Source),
			slog.Int("token", max(1, o.token)),
			slog.String("webhook_id", printable(e.WebhookID)),
			slog.String("remote_ip", remoteIP(r)),
		}
	})
}

// remoteIP is the client's address as Caddy sees it, trusted proxies considered.
func remoteIP(r *http.Request) string {
	if vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		if ip, ok := vars[caddyhttp.ClientIPVarKey].(string); ok && ip != "" {
			return ip
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// maxPrinted is the length of a signature, and more than any id has.
const maxPrinted = 64

// printable is outside text that can do no harm in a log.
func printable(s string) string { return text.ASCII(s, maxPrinted) }
