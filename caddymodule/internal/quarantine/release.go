package quarantine

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/intake"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Released is what came of a release.
type Released struct {
	// Matched are those that the pick means. Of these, Verified verify now, and Unverified do not and stay.
	Matched, Verified, Unverified int
	// Stored are new events; Duplicates, those that the buffer had; Differing, those of them with other contents, which
	// are dead letters of no handler.
	Stored, Duplicates, Differing int
	// NoEvent counts those with a right signature that are no event, and are removed; Gone those that are damaged, too
	// old, or removed meanwhile; Unreadable those of the stored that could not be read as an event.
	NoEvent, Gone, Unreadable int
}

// appender is where events are released to.
type appender interface {
	Append(ctx context.Context, e *buffer.Event) (buffer.Receipt, error)
}

// Release appends the events of those that verify now, the oldest first, and removes each once its event is durable.
// With dryRun it only counts. After an error it may be called again: what was stored is found to be.
func (s *Store) Release(ctx context.Context, p Pick, to appender, dryRun bool) (r Released, err error) {
	end, err := s.begin(ctx)
	if err != nil {
		return r, err
	}
	defer end()
	all := s.picked(p)
	r.Matched = len(all)
	defer func() {
		if !dryRun && r.Verified > 0 {
			s.log.Info("quarantine: events were released", "stored", r.Stored, "duplicates", r.Duplicates,
				"unverified", r.Unverified)
		}
	}()
	for _, e := range all {
		if err := ctx.Err(); err != nil {
			return r, fmt.Errorf("releasing: %w", err)
		}
		if err := s.release(ctx, e, to, dryRun, &r); err != nil {
			return r, fmt.Errorf("releasing %s: %w", e.id, err)
		}
	}
	return r, nil
}

// release releases one.
func (s *Store) release(ctx context.Context, e *entry, to appender, dryRun bool, r *Released) error {
	if e.stamp < s.clock.Ago(s.maxAge()) {
		r.Gone++ // the buffer may not know its id any more
		return nil
	}
	h, body, token, err := s.verify(e)
	switch {
	case errors.Is(err, errDamaged), errors.Is(err, ErrNotFound):
		r.Gone++
		return nil
	case err != nil:
		return err
	case token == 0:
		r.Unverified++
		return nil
	}
	r.Verified++
	event, ok := eventOf(&h, body)
	if !ok {
		r.NoEvent++
		return s.settle(e, NoEvent, dryRun)
	}
	if event.Unreadable != "" {
		r.Unreadable++
	}
	if dryRun {
		return nil
	}
	receipt, err := to.Append(ctx, event)
	if err != nil {
		return err
	}
	switch {
	case receipt.Differs:
		r.Differing++
		r.Duplicates++
	case receipt.Duplicate:
		r.Duplicates++
	default:
		r.Stored++
	}
	s.counts.released.Add(1)
	return s.forget(e)
}

// settle removes one that is no event.
func (s *Store) settle(e *entry, why Reason, dryRun bool) error {
	if dryRun {
		return nil
	}
	s.counts.drop(why, 1)
	return s.forget(e)
}

// eventOf makes the event of a request whose signature was right, as the receiver does; false: it is none.
func eventOf(h *header, body []byte) (*buffer.Event, bool) {
	if intake.IsChallenge(body) {
		return nil, false
	}
	envelope, err := smartcar.ParseEnvelope(body)
	if err == nil && !intake.IsEvent(&envelope) {
		return nil, false
	}
	e := &buffer.Event{
		Source: h.Source, ReceivedAt: h.ReceivedAt, Signature: h.Signature, ContentType: h.ContentType, Body: body,
	}
	intake.Complete(e, &envelope, err)
	return e, true
}

// forget removes one that was released, or that nobody wants.
func (s *Store) forget(e *entry) error {
	if err := s.files.remove(fileName(e.id)); err != nil {
		return fmt.Errorf("removing what is kept: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.remove(e)
	return nil
}

// Remove deletes what a pick means, for good. With dryRun it only counts.
func (s *Store) Remove(ctx context.Context, p Pick, dryRun bool) (matched, removed int, err error) {
	end, err := s.begin(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer end()
	all := s.picked(p)
	if dryRun {
		return len(all), 0, nil
	}
	defer func() {
		if removed > 0 {
			s.counts.removed.Add(uint64(removed))
			s.log.Info("quarantine: refused requests were removed", "removed", removed)
		}
	}()
	for _, e := range all {
		if err := ctx.Err(); err != nil {
			return len(all), removed, fmt.Errorf("removing: %w", err)
		}
		if err := s.forget(e); err != nil {
			return len(all), removed, err
		}
		removed++
	}
	return len(all), removed, nil
}
