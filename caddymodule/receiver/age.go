package receiver

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const (
	// clockSkew is how far in the future a delivery may have been sent without a word.
	clockSkew = 2 * time.Minute
	// clockSettles is how long after the start the system's clock may yet be set: a machine without a battery learns the
	// time from the network.
	clockSettles = 10 * time.Minute
)

// ageLimit judges when deliveries were sent.
type ageLimit struct {
	limit   time.Duration
	refuses bool
	events  knownEvents
	now     func() time.Time
	// begun is when the process, or the engine, began.
	begun time.Time
}

// knownEvents is what an ageLimit needs of the engine.
type knownEvents interface {
	// Knows reports whether the event of a source is found as a duplicate.
	Knows(ctx context.Context, source, id string) (bool, error)
	// ClockJump is the jump of the system's clock that is not believed yet.
	ClockJump() buffer.ClockJump
}

// age is what is found of a delivery.
type age int

const (
	ageFine age = iota
	// ageMissing: it does not say when it was sent, or not in a way that can be read.
	ageMissing
	// ageFuture: the system's clock is behind, since nobody has recorded what will be sent.
	ageFuture
	// ageUnjudged: it is too old by a clock that may be wrong.
	ageUnjudged
	ageTooOld
)

// judge says what an age is. It asks the buffer only about what seems too old.
func (l *ageLimit) judge(sent time.Time) (age, time.Duration) {
	if sent.IsZero() {
		return ageMissing, 0
	}
	now := l.now()
	passed := now.Sub(sent)
	switch {
	case passed < -clockSkew:
		return ageFuture, passed
	case passed <= l.limit:
		return ageFine, passed
	case now.Sub(l.begun) < clockSettles || l.events.ClockJump().By != 0:
		return ageUnjudged, passed
	default:
		return ageTooOld, passed
	}
}

// isUnknown reports whether an event is not stored, as far back as duplicates are found. Where that cannot be told it is
// for the store to say why.
func (l *ageLimit) isUnknown(ctx context.Context, e *buffer.Event) bool {
	known, err := l.events.Knows(ctx, e.Source, e.ID)
	return err == nil && !known
}

// checkAge counts a delivery whose time is out of the usual, and refuses one that was sent too long ago where that is
// wanted. One whose event is stored is a duplicate all the same: a 401 would only have it sent again.
func (g *Gate) checkAge(r *http.Request, o *outcome, s *scratch, sent time.Time) rejection {
	found, passed := g.age.judge(sent)
	switch found {
	case ageMissing:
		g.counts.Ages.Missing.Add(1)
	case ageFuture:
		g.counts.Ages.Future.Add(1)
		g.logAge(r, s, passed, "webhook.from_the_future", "delivery is from the future: the system's clock may be behind")
	case ageUnjudged:
		g.counts.Ages.Unjudged.Add(1)
		g.logAge(r, s, passed, "webhook.age_unjudged",
			"delivery seems too old by a clock that may be wrong, so max_age does not refuse it")
	case ageTooOld:
		g.counts.Ages.TooOld.Add(1)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), g.askTimeout)
		defer cancel()
		if g.age.refuses && g.age.isUnknown(ctx, &s.event) {
			o.eventID, o.eventType, o.vehicleID = s.event.ID, s.event.Type, s.event.VehicleID
			return rejection{refusal: refuseTooOld, age: passed}
		}
		g.logAge(r, s, passed, tooOld.event, "delivery was sent longer ago than max_age; it is not refused")
	case ageFine:
	}
	return rejection{}
}

// logAge writes a line about a delivery that is not refused.
func (g *Gate) logAge(r *http.Request, s *scratch, passed time.Duration, event, msg string) {
	g.logLimited(r.Context(), event, slog.LevelWarn, msg, func() []slog.Attr {
		return append([]slog.Attr{slog.String("event", event), slog.String("source", g.Source)}, g.ageAttrs(r, s, passed)...)
	})
}

func (g *Gate) ageAttrs(r *http.Request, s *scratch, passed time.Duration) []slog.Attr {
	return []slog.Attr{
		slog.Duration("age", passed.Round(time.Second)),
		slog.Duration("max_age", g.age.limit),
		slog.String("event_id", printable(s.event.ID)),
		slog.String("event_type", printable(s.event.Type)),
		slog.String("delivery_id", printable(s.event.DeliveryID)),
		slog.String("remote_ip", remoteIP(r)),
	}
}
