package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// Filter picks events or dead letters; see package replay.
type Filter = replay.Filter

// Bounds on one call of Events or DeadLetters.
const (
	// MaxPage is the most results that a page may have.
	MaxPage = 1000
	// pageLooks bounds the stored events or letters that are read, pageBytes the bodies of
	// the results.
	pageLooks = 100_000
	pageBytes = 8 << 20
)

// Page says which part of a listing is wanted.
type Page struct {
	// After is the EventPage.Next of the page before; 0 begins.
	After uint64
	// Limit of events, at most MaxPage; 0: MaxPage.
	Limit int
	// Backwards lists the newest first.
	Backwards bool
}

// EventPage is one page of events, with their bodies.
type EventPage struct {
	Events []buffer.Event
	// Damaged counts stored events that could not be read.
	Damaged int
	// Next is the Page.After of the next page; 0: there is none. A page may have fewer
	// events than Limit, or none, and yet a next one: a call looks at 100,000 stored
	// events at most, and a page has at most 8 MiB of bodies and one event.
	Next uint64
}

// EventCount says how many events a filter picks.
type EventCount struct {
	Total  int
	ByType map[string]int
	// First and Last are positions, Oldest and Newest the times of receipt there; zero
	// when there are none.
	First, Last    uint64
	Oldest, Newest time.Time
	// Damaged counts stored events that could not be read.
	Damaged int
}

// Events lists stored events.
func (e *Engine) Events(ctx context.Context, f Filter, p Page) (EventPage, error) {
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return EventPage{}, err
	}
	b, r, err := e.eventRange(ctx, &f)
	if err != nil {
		return EventPage{}, err
	}
	if !pageRange(&r, p) {
		return EventPage{}, nil
	}
	var page EventPage
	var looked, bytes int
	var last uint64
	for ev, err := range b.Events(ctx, r) {
		if err != nil && (ev.Position == 0 || fatal(err)) {
			return EventPage{}, fmt.Errorf("listing events: %w", err)
		}
		matches := err == nil && f.MatchEvent(&ev)
		if looked == pageLooks || matches && (len(page.Events) == limit || bytes > pageBytes) {
			page.Next = last
			break
		}
		looked++
		last = ev.Position
		if err != nil {
			page.Damaged++
		}
		if matches {
			page.Events = append(page.Events, ev)
			bytes += len(ev.Body)
		}
	}
	return page, nil
}

// CountEvents looks at all stored events in the filter's time range.
func (e *Engine) CountEvents(ctx context.Context, f Filter) (EventCount, error) {
	b, r, err := e.eventRange(ctx, &f)
	if err != nil {
		return EventCount{}, err
	}
	c := EventCount{ByType: map[string]int{}}
	for ev, err := range b.Events(ctx, r) {
		if err != nil && (ev.Position == 0 || fatal(err)) {
			return EventCount{}, fmt.Errorf("counting events: %w", err)
		}
		if err != nil {
			c.Damaged++
			continue
		}
		if !f.MatchEvent(&ev) {
			continue
		}
		if c.Total == 0 {
			c.First, c.Oldest = ev.Position, ev.ReceivedAt
		}
		c.Last, c.Newest = ev.Position, ev.ReceivedAt
		c.Total++
		c.ByType[ev.Type]++
	}
	return c, nil
}

// Event returns the stored event at a position and where it stands with each handler.
// buffer.ErrNotFound, wrapped, when there is none.
func (e *Engine) Event(ctx context.Context, position uint64) (buffer.Event, []buffer.State, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return buffer.Event{}, nil, err
	}
	ev, err := b.Event(ctx, position)
	if err != nil {
		return buffer.Event{}, nil, fmt.Errorf("event at position %d: %w", position, err)
	}
	states, err := b.States(ctx, position)
	if err != nil {
		return buffer.Event{}, nil, fmt.Errorf("event at position %d: %w", position, err)
	}
	return ev, states, nil
}

// Lookup returns the position of the event with this id that the receiver named source
// took. It may be trimmed already. buffer.ErrNotFound, wrapped, when there is none.
func (e *Engine) Lookup(ctx context.Context, source, id string) (uint64, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return 0, err
	}
	position, err := b.Lookup(ctx, source, id)
	if err != nil {
		return 0, fmt.Errorf("event %q of receiver %q: %w", id, source, err)
	}
	return position, nil
}

// eventRange returns the open buffer and the smallest range that holds all that the
// filter picks.
func (e *Engine) eventRange(ctx context.Context, f *Filter) (buffer.Buffer, buffer.Range, error) {
	r := f.Range()
	if err := f.CheckEvents(); err != nil {
		return nil, r, err
	}
	b, err := e.store.get(ctx)
	if err != nil {
		return nil, r, err
	}
	if len(f.EventIDs) == 0 || f.Source == "" {
		return b, r, nil
	}
	r.First = math.MaxUint64
	for _, id := range f.EventIDs {
		position, err := b.Lookup(ctx, f.Source, id)
		if errors.Is(err, buffer.ErrNotFound) {
			// It may be stored all the same, when the dedupe window is shorter than retention.
			return b, f.Range(), nil
		} else if err != nil {
			return nil, r, fmt.Errorf("looking up event %q: %w", id, err)
		}
		r.First, r.Last = min(r.First, position), max(r.Last, position)
	}
	return b, r, nil
}

// pageRange narrows a range to what comes behind the page before, and reports whether
// anything can be there.
func pageRange(r *buffer.Range, p Page) bool {
	r.Backwards = p.Backwards
	switch {
	case p.After == 0:
	case !p.Backwards:
		if p.After == math.MaxUint64 {
			return false
		}
		r.First = max(r.First, p.After+1)
	case p.After == 1:
		return false
	case r.Last == 0:
		r.Last = p.After - 1
	default:
		r.Last = min(r.Last, p.After-1)
	}
	return r.Last == 0 || r.First <= r.Last
}

func pageLimit(limit int) (int, error) {
	if limit == 0 {
		return MaxPage, nil
	}
	if limit < 0 || limit > MaxPage {
		return 0, fmt.Errorf("limit %d: must be from 1 to %d", limit, MaxPage)
	}
	return limit, nil
}
