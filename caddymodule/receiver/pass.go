package receiver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// pass hands the event to the next handler, whose answer is the answer. It refuses the event where there is none, since
// Caddy would answer with an empty 200.
func (v *Verifier) pass(
	w http.ResponseWriter, r *http.Request, o *outcome, s *scratch, next caddyhttp.Handler,
) (rejection, error) {
	ev := &s.event
	o.result, o.eventID, o.eventType, o.vehicleID = outcomePassed, ev.ID, ev.Type, ev.VehicleID
	v.counts.Signed(v.tokens[o.token-1], s.matchedAt, isLive(ev.Mode), ev.WebhookID)
	dropForged(r.Header)
	setIdentity(r.Header, ev, o.token)
	setBody(r, s.body)

	rec := caddyhttp.NewResponseRecorder(w, nil, nil)
	isOver := false
	defer func() {
		if !isOver {
			v.noteAnswer(r, o, ev, 0) // the next handler panics, as a proxy does whose backend breaks off
		}
	}()
	err := next.ServeHTTP(rec, r)
	isOver = true
	if err == nil && rec.Status() == 0 {
		return rejection{refusal: refuseNothingBehind}, nil
	}
	v.noteAnswer(r, o, ev, statusOf(rec, err))
	return rejection{}, err
}

// statusOf is what the client gets, as far as that can be told before error routes have rendered it.
func statusOf(rec caddyhttp.ResponseRecorder, err error) int {
	if err == nil || rec.Status() != 0 {
		return rec.Status()
	}
	if he, ok := errors.AsType[caddyhttp.HandlerError](err); ok && he.StatusCode != 0 {
		return he.StatusCode
	}
	return http.StatusInternalServerError
}

// noteAnswer counts and logs what the application said of an event; 0: it broke off.
func (v *Verifier) noteAnswer(r *http.Request, o *outcome, ev *buffer.Event, status int) {
	if status < 200 || status > 299 {
		o.result = outcomeNotTaken
		v.counts.NoteNotTaken()
		v.counts.Loss.Refused(ev.ID)
		v.logNotTaken(r, ev, status)
		return
	}
	v.counts.NotePassed(time.Now())
	v.counts.Loss.Stored(ev.ID)
	if ev.Unreadable != "" {
		v.log.LogAttrs(r.Context(), slog.LevelWarn, "webhook with a right signature cannot be read; the application has taken it",
			append(v.eventAttrs(r, o, ev), slog.String("reason", ev.Unreadable))...)
		return
	}
	v.logReceived(r, o, ev)
}

// logNotTaken says nothing of why: Caddy logs that itself.
func (v *Verifier) logNotTaken(r *http.Request, ev *buffer.Event, status int) {
	v.logLimited(r.Context(), notTaken.event, notTaken.level, notTaken.line, func() []slog.Attr {
		return []slog.Attr{
			slog.String("event", notTaken.event),
			slog.String("source", v.Source),
			slog.Int("status", status),
			slog.String("event_id", printable(ev.ID)),
			slog.String("check", "the application: Smartcar sends the event again, four times within 175 s in all, and then it is lost"),
			slog.String("remote_ip", remoteIP(r)),
		}
	})
}

// nothingKnown is the memory of a handler that stores nothing: each event is a new one.
type nothingKnown struct{}

func (nothingKnown) Knows(context.Context, string, string) (bool, error) { return false, nil }

func (nothingKnown) ClockJump() buffer.ClockJump { return buffer.ClockJump{} }
