package receiver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// No line holds a token, a challenge or its answer, a body, or what a body says of a
// person: user, location, VIN.

// refuse counts, logs at debug level and answers. A wrong method or a broken
// connection says nothing that an operator must act on.
func (rc *Receiver) refuse(w http.ResponseWriter, r *http.Request, o *outcome, f *refusal) error {
	rc.note(o, f)
	level, wait := slog.LevelDebug, time.Duration(0)
	switch f {
	case refuseChallenge:
		level = slog.LevelWarn
	case refuseVerifyRate:
		level, wait = slog.LevelWarn, time.Duration(float64(time.Second)/rc.Verify.Rate)
	}
	rc.logLimited(r.Context(), rc.refused, level, "webhook refused", func() []slog.Attr {
		return []slog.Attr{
			slog.String("event", "webhook.refused"),
			slog.String("source", rc.Source),
			slog.String("code", f.code),
			slog.String("reason", f.message),
			slog.String("remote_ip", remoteIP(r)),
			slog.Int64("payload_bytes", r.ContentLength),
		}
	})
	return writeRefusal(w, r, f, wait)
}

// refuseSignature is refuse for everything that is wrong with the signature: one
// warning each, up to a limit, since it may be an attack or a wrong token.
func (rc *Receiver) refuseSignature(w http.ResponseWriter, r *http.Request, o *outcome, f *refusal, body []byte, signature string) error {
	rc.note(o, f)
	rc.logLimited(r.Context(), rc.unsigned, slog.LevelWarn, "signature refused", func() []slog.Attr {
		envelope, _ := smartcar.ParseEnvelope(body)
		return append([]slog.Attr{
			slog.String("event", "signature.failed"),
			slog.String("source", rc.Source),
			slog.String("code", f.code),
			slog.String("reason", f.message),
			slog.String("check", rc.advice(f, envelope.Mode)),
			slog.String("remote_ip", remoteIP(r)),
			slog.Int("payload_bytes", len(body)),
		}, claims(f, signature, &envelope)...)
	})
	return writeRefusal(w, r, f, 0)
}

// claims is what a refused request says of itself. It helps to find the delivery in
// Smartcar's own log; nothing vouches for it, so only what has the expected form is
// shown: a header may hold a token by mistake, a body anything of a person.
func claims(f *refusal, signature string, e *smartcar.Envelope) []slog.Attr {
	var list []slog.Attr
	switch {
	case signature == "" || f == refuseChallengeBody:
		// The right signature of a challenge is the challenge's answer.
	case isHexDigest(signature):
		list = append(list, slog.String("signature", signature))
	default:
		list = append(list, slog.Int("signature_length", len(signature)))
	}
	if uuidPattern.MatchString(e.EventID) {
		list = append(list, slog.String("claimed_event_id", e.EventID))
	}
	for _, mode := range []string{smartcar.ModeLive, smartcar.ModeTest} {
		if strings.EqualFold(e.Mode, mode) {
			list = append(list, slog.String("claimed_mode", mode))
		}
	}
	return list
}

var uuidPattern = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// advice says what to look at first.
func (rc *Receiver) advice(f *refusal, mode string) string {
	switch f {
	case refuseNoSignature:
		return "not sent by Smartcar, or a proxy in front removed the SC-Signature header"
	case refuseSignatures, refuseMalformed:
		return "not sent by Smartcar, or a proxy in front changed the SC-Signature header"
	case refuseChallengeBody:
		return "somebody tried to pass the answer to a challenge off as a signature"
	}
	if mode == smartcar.ModeLive && rc.answered.Load() && !rc.live.Load() {
		return "VERIFY works but no LIVE event has had a right signature: Smartcar may still sign with an earlier token," +
			" so add the first one ever issued as a second token; if none fits, create the application anew"
	}
	return "compare the tokens of this receiver with the Application Management Token in Smartcar's dashboard" +
		" (API credentials; not the client secret), and make sure that no proxy changes the body"
}

// refuseStore answers 503. err comes from the buffer and holds nothing of the event.
func (rc *Receiver) refuseStore(w http.ResponseWriter, r *http.Request, o *outcome, err error) error {
	f := storeRefusal(err)
	rc.note(o, f)
	rc.counts.Outage.Refused(time.Now(), err)
	rc.logLimited(r.Context(), rc.failed, slog.LevelError, "event not stored", func() []slog.Attr {
		return []slog.Attr{
			slog.String("event", "webhook.not_stored"),
			slog.String("source", rc.Source),
			slog.String("code", f.code),
			slog.String("error", err.Error()),
			slog.String("event_id", printable(o.eventID)),
			slog.String("remote_ip", remoteIP(r)),
		}
	})
	return writeRefusal(w, r, f, storeRetryAfter)
}

func (rc *Receiver) note(o *outcome, f *refusal) {
	o.result = refusedPrefix + f.code
	rc.counts.Refuse(f.code)
}

// storeRefusal names the reason for which an event was not stored.
func storeRefusal(err error) *refusal {
	switch {
	case errors.Is(err, buffer.ErrFull):
		return refuseFull
	case errors.Is(err, buffer.ErrSealed):
		return refuseSealed
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
