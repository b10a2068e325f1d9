package receiver

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/intake"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// rejection is why one request is refused. The zero value: it is not.
type rejection struct {
	*refusal
	// signature is the header as it came, for a refusal of it.
	signature string
	// err is why the event was not stored. It comes from the buffer and holds nothing of the event.
	err error
	// wait is the Retry-After of this request, 0 for that of its kind.
	wait time.Duration
	// age of a delivery that is refused for it.
	age time.Duration
	// isEvent: the body has no signature, but reads as an event.
	isEvent bool
}

// meantAsEvent reports whether Smartcar may have sent the request as an event that the receiver, or something before
// it, keeps from being taken. All of Smartcar's have a signature; what strangers try has none.
func (f rejection) meantAsEvent(r *http.Request) bool {
	if f.kind == tooOld {
		return true
	}
	if f.kind != wrongRequest && f.kind != wrongSignature || f.refusal == refuseChallengeBody {
		return false
	}
	return f.isEvent || len(r.Header[signatureHeader]) > 0
}

// mayBeDelivery reports whether Smartcar may have sent the request as an event, and its signature was not right or not
// looked at: also one for whose body there was no memory.
func (f rejection) mayBeDelivery(r *http.Request) bool {
	return f.kind != tooOld && f.meantAsEvent(r) || f.kind == noRoom && len(r.Header[signatureHeader]) > 0
}

// refuse is the only way out for a request that gets no 200: it counts, logs and answers.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, o *outcome, s *scratch, f rejection) error {
	o.result = refusedPrefix + f.code
	now := time.Now()
	g.counts.Refuse(f.code, now, f.meantAsEvent(r))
	switch {
	case f.kind == notStored:
		g.counts.Outage.Refused(now, f.err)
		g.counts.Loss.Refused(o.eventID)
	case f.kind == notTaken:
		g.counts.Loss.Refused(o.eventID)
	case f.mayBeDelivery(r):
		g.counts.Loss.RefusedUnverified()
	}
	if f.refusal == refuseMismatch {
		g.noteMismatch(now, s.body)
		g.keep(r, s, f, now)
	}
	if f.kind == noRoom {
		g.counts.Crowd.Refused(now)
	}
	if f.kind != wrongSignature || g.stages.Has(stage.SignatureFailed) {
		g.logLimited(r.Context(), f.code, f.level, f.line, func() []slog.Attr { return g.refusalAttrs(r, o, s, f) })
	}
	return writeRefusal(w, r, f)
}

// keep offers a request to the quarantine, which takes a copy, if any, and has the caller wait for nothing.
func (g *Gate) keep(r *http.Request, s *scratch, f rejection, now time.Time) {
	if !g.quarantine.Takes() {
		return
	}
	g.quarantine.Offer(&quarantine.Request{
		Source: g.Source, At: now, Code: f.code, Signature: f.signature, ContentType: r.Header["Content-Type"][0],
		Network: quarantine.NetworkOf(remoteIP(r)), Body: s.body,
	})
}

// refusalAttrs is what the log line says. No line holds a token, a challenge or its answer, a body, or what a body says
// of a person: user, location, VIN.
func (g *Gate) refusalAttrs(r *http.Request, o *outcome, s *scratch, f rejection) []slog.Attr {
	list := []slog.Attr{slog.String("event", f.event), slog.String("source", g.Source), slog.String("code", f.code)}
	switch f.kind {
	case notStored:
		return append(list,
			slog.String("error", f.err.Error()),
			slog.String("event_id", printable(o.eventID)),
			slog.String("remote_ip", remoteIP(r)))
	case notTaken:
		return append(list,
			slog.String("reason", f.message),
			slog.String("check", f.advice),
			slog.String("event_id", printable(o.eventID)),
			slog.String("remote_ip", remoteIP(r)))
	case tooOld:
		return append(append(list, slog.String("reason", f.message), slog.String("check", f.advice)), g.ageAttrs(r, s, f.age)...)
	case wrongSignature:
		envelope, _ := smartcar.ParseEnvelope(s.body)
		list = append(list,
			slog.String("reason", f.message),
			slog.String("check", g.advice(f.refusal, envelope.Mode)),
			slog.String("remote_ip", remoteIP(r)),
			slog.Int("payload_bytes", len(s.body)))
		return append(list, claims(f, &envelope)...)
	default:
		return append(list,
			slog.String("reason", f.message),
			slog.String("remote_ip", remoteIP(r)),
			slog.Int64("payload_bytes", r.ContentLength))
	}
}

// advice says what to look at first when a signature is refused.
func (g *Gate) advice(f *refusal, mode string) string {
	if f.advice != "" {
		return f.advice
	}
	if mode == smartcar.ModeLive {
		live := g.counts.Live()
		switch {
		case live.TokenGone:
			return "LIVE events had right signatures with a token that was taken out of the config: put it back below the present one"
		case live.Signed > 0:
			return "LIVE events had right signatures before: add the token that was made anew in Smartcar's dashboard" +
				" above the present one, and make sure that no proxy changes the body"
		case g.counts.Verified.Load()+live.Tests > 0:
			return "VERIFY works but no LIVE event has had a right signature: Smartcar may still sign with an earlier token," +
				" so add the first one ever issued below the present one; if none fits, create the application anew"
		}
	}
	return "compare the tokens of this receiver with the Application Management Token in Smartcar's dashboard" +
		" (API credentials; not the client secret), and make sure that no proxy changes the body"
}

// claims is what a refused request says of itself. It helps to find the delivery in Smartcar's own log; nothing
// vouches for it, so only what has the expected form is shown: a header may hold a token by mistake, a body anything
// of a person.
func claims(f rejection, e *smartcar.Envelope) []slog.Attr {
	var list []slog.Attr
	switch {
	case f.signature == "" || f.secret:
	case isHexDigest(f.signature):
		list = append(list, slog.String("signature", f.signature))
	default:
		list = append(list, slog.Int("signature_length", len(f.signature)))
	}
	c := intake.ClaimsOf(e)
	if c.EventID != "" {
		list = append(list, slog.String("claimed_event_id", c.EventID))
	}
	if c.Mode != "" {
		list = append(list, slog.String("claimed_mode", c.Mode))
	}
	return list
}

// storeRefusal names the reason for which an event was not stored.
func storeRefusal(err error) *refusal {
	switch {
	case errors.Is(err, buffer.ErrFull):
		return refuseFull
	case errors.Is(err, buffer.ErrHalted):
		return refuseHalted
	case errors.Is(err, buffer.ErrClosed):
		return refuseClosed
	case errors.Is(err, engine.ErrNotOpen):
		return refuseNotOpen
	case errors.Is(err, context.DeadlineExceeded):
		return refuseTimeout
	default:
		return refuseStore
	}
}

// writeRefusal answers. Where the server has error routes (handle_errors in the Caddyfile) they get to render it, as
// with every other handler's error; else Caddy would send an empty body, so the answer is written here.
func writeRefusal(w http.ResponseWriter, r *http.Request, f rejection) error {
	if f.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if wait := max(f.wait, f.retryAfter); wait > 0 {
		w.Header().Set("Retry-After", seconds(wait))
	}
	if hasErrorRoutes(r) {
		return caddyhttp.Error(f.status, f.refusal)
	}
	return writeJSON(w, f.status, newAnswer([]byte(f.body())))
}

// seconds rounds up, since a client that comes back too early is refused again.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

func hasErrorRoutes(r *http.Request) bool {
	srv, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	return ok && srv != nil && srv.Errors != nil && len(srv.Errors.Routes) > 0
}
