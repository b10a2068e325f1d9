package engine

import (
	"context"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Reread counts the unreadable dead letters that a replay has picked.
type Reread struct {
	// Readable ones were stored as new events for all handlers, and are no dead letters
	// any more.
	Readable int
	// Unreadable ones stay as they are.
	Unreadable int
}

// rereadSuffix makes a new id of one that is a digest of the body, because the buffer knows
// that id already.
const rereadSuffix = "-reread"

// reread reads unreadable dead letters again.
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
		ev.ID += rereadSuffix
	}
	if _, err := b.Append(ctx, &ev); err != nil {
		return false, err
	}
	if _, err := b.DropDeadLetters(ctx, l.ID); err != nil {
		return false, err
	}
	return true, nil
}
