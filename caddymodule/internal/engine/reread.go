package engine

import (
	"context"
	"fmt"
	"strconv"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Reread counts the dead letters of no handler that a replay has picked: those that could not be read, and those in
// conflict with the event that is stored under their id.
type Reread struct {
	// Readable ones were stored as new events for all handlers, and are no dead letters
	// any more.
	Readable int
	// Unreadable ones stay as they are.
	Unreadable int
}

// rereadSuffix makes a new id of one that the buffer knows already: a digest of the body, or the id of another event.
// With the position, each letter has its own.
const rereadSuffix = "-reread-"

// reread reads dead letters of no handler again.
func (e *Engine) reread(ctx context.Context, b buffer.Buffer, f *Filter) (Reread, error) {
	var done Reread
	for l, err := range letters(ctx, b, f, "") {
		if endsLetters(&l, err) {
			return done, fmt.Errorf("reading dead letters again: %w", err)
		}
		if err != nil || l.Handler != "" || !f.MatchDeadLetter(&l) {
			continue
		}
		ok, err := e.rereadOne(ctx, b, &l)
		if err != nil {
			return done, fmt.Errorf("reading dead letter %q again: %w", l.ID, err)
		}
		if ok {
			done.Readable++
		} else {
			done.Unreadable++
		}
	}
	return done, nil
}

// rereadOne stores the letter's event as a new one and drops the letter. A crash in
// between leaves a letter whose event is a duplicate the next time.
func (e *Engine) rereadOne(ctx context.Context, b buffer.Buffer, l *buffer.DeadLetter) (readable bool, err error) {
	ev := l.Event
	ev.Unreadable = ""
	if e.opts.Reread == nil || e.opts.Reread(&ev) != nil {
		return false, nil //nolint:nilerr // the letter says already why it cannot be read
	}
	if ev.ID == l.Event.ID {
		ev.ID += rereadSuffix + strconv.FormatUint(l.Event.Position, 10)
	}
	if _, err := b.Append(ctx, &ev); err != nil {
		return false, err
	}
	if _, err := b.DropDeadLetters(ctx, l.ID); err != nil {
		return false, err
	}
	return true, nil
}
