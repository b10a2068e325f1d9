package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// DeadLetterPage is one page of dead letters, oldest first, with their events.
type DeadLetterPage struct {
	DeadLetters []buffer.DeadLetter
	// Damaged counts letters that could not be read.
	Damaged int
	// Next is the after of the next page; "": there is none. As with EventPage, a page
	// may be short and yet have a next one.
	Next buffer.DeadLetterID
}

// DeadLetterCount says how many dead letters a filter picks.
type DeadLetterCount struct {
	Total int
	// ByHandler has those that are unreadable, which belong to no handler, under "".
	ByHandler map[string]int
	ByReason  map[buffer.Reason]int
	// Damaged counts letters that could not be read.
	Damaged int
}

// DeadLetters lists the dead letters after one, or from the first where after is "". Limit
// is at most MaxPage; 0: MaxPage.
func (e *Engine) DeadLetters(ctx context.Context, f Filter, after buffer.DeadLetterID, limit int) (DeadLetterPage, error) {
	limit, err := pageLimit(limit)
	if err != nil {
		return DeadLetterPage{}, err
	}
	b, err := e.letterBuffer(ctx, &f)
	if err != nil {
		return DeadLetterPage{}, err
	}
	var page DeadLetterPage
	var looked, bytes int
	last := after
	for l, err := range letters(ctx, b, &f, after) {
		if endsLetters(&l, err) {
			return DeadLetterPage{}, fmt.Errorf("listing dead letters: %w", err)
		}
		if err != nil {
			page.Damaged++
			continue
		}
		matches := f.MatchDeadLetter(&l)
		if looked == pageLooks || matches && (len(page.DeadLetters) == limit || bytes > pageBytes) {
			page.Next = last
			break
		}
		looked++
		last = l.ID
		if matches {
			page.DeadLetters = append(page.DeadLetters, l)
			bytes += len(l.Event.Body)
		}
	}
	return page, nil
}

// DeadLettersSince returns an id for DeadLetters that has behind it what died at a time or later.
func (e *Engine) DeadLettersSince(ctx context.Context, t time.Time) (buffer.DeadLetterID, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return "", err
	}
	return b.DeadLettersSince(t), nil
}

// DeadLetter returns one; buffer.ErrNotFound, wrapped, when there is none.
func (e *Engine) DeadLetter(ctx context.Context, id buffer.DeadLetterID) (buffer.DeadLetter, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return buffer.DeadLetter{}, err
	}
	l, err := b.DeadLetter(ctx, id)
	if err != nil {
		return buffer.DeadLetter{}, fmt.Errorf("dead letter %q: %w", id, err)
	}
	return l, nil
}

// CountDeadLetters looks at all dead letters.
func (e *Engine) CountDeadLetters(ctx context.Context, f Filter) (DeadLetterCount, error) {
	b, err := e.letterBuffer(ctx, &f)
	if err != nil {
		return DeadLetterCount{}, err
	}
	return countLetters(ctx, b, &f)
}

func countLetters(ctx context.Context, b buffer.Buffer, f *Filter) (DeadLetterCount, error) {
	c := DeadLetterCount{ByHandler: map[string]int{}, ByReason: map[buffer.Reason]int{}}
	for l, err := range letters(ctx, b, f, "") {
		switch {
		case endsLetters(&l, err):
			return DeadLetterCount{}, fmt.Errorf("counting dead letters: %w", err)
		case err != nil:
			c.Damaged++
		case f.MatchDeadLetter(&l):
			c.Total++
			c.ByHandler[l.Handler]++
			c.ByReason[l.Reason]++
		}
	}
	return c, nil
}

// dropChunk is how many dead letters are removed in one step.
const dropChunk = 1000

// DropDeadLetters removes what the filter picks, for good, and returns how many there
// were. A zero filter picks all. One that cannot be read is removed when its id is given.
func (e *Engine) DropDeadLetters(ctx context.Context, f Filter) (int, error) {
	b, err := e.letterBuffer(ctx, &f)
	if err != nil {
		return 0, err
	}
	dropped := 0
	var ids []buffer.DeadLetterID
	drop := func() error {
		n, err := b.DropDeadLetters(ctx, ids...)
		dropped += n
		ids = ids[:0]
		if err != nil {
			return fmt.Errorf("dropping dead letters: %d are gone: %w", dropped, err)
		}
		return nil
	}
	for l, err := range letters(ctx, b, &f, "") {
		if endsLetters(&l, err) {
			return dropped, fmt.Errorf("dropping dead letters: %d are gone: %w", dropped, err)
		}
		// Of a damaged one there is nothing to match but its id.
		picked := err == nil && f.MatchDeadLetter(&l) || err != nil && slices.Contains(f.DeadLetters, l.ID)
		if !picked {
			continue
		}
		if ids = append(ids, l.ID); len(ids) < dropChunk {
			continue
		}
		if err := drop(); err != nil {
			return dropped, err
		}
	}
	if len(ids) == 0 {
		return dropped, nil
	}
	return dropped, drop()
}

func (e *Engine) letterBuffer(ctx context.Context, f *Filter) (buffer.Buffer, error) {
	if err := f.CheckDeadLetters(); err != nil {
		return nil, err
	}
	return e.store.get(ctx)
}

// letters yields the dead letters behind one that a filter may pick: those with the
// ids that it names, else all. An error that is not fatal is about a single letter.
func letters(ctx context.Context, b buffer.Buffer, f *Filter, after buffer.DeadLetterID) iter.Seq2[buffer.DeadLetter, error] {
	if len(f.DeadLetters) == 0 {
		return b.DeadLetters(ctx, after)
	}
	ids := slices.Clone(f.DeadLetters)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return func(yield func(buffer.DeadLetter, error) bool) {
		for _, id := range ids {
			if id <= after {
				continue
			}
			l, err := b.DeadLetter(ctx, id)
			if errors.Is(err, buffer.ErrNotFound) {
				continue
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// fatal reports whether an error ends the reading, rather than being about one damaged
// record.
func fatal(err error) bool {
	return errors.Is(err, buffer.ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// endsLetters reports whether no letter comes behind an error.
func endsLetters(l *buffer.DeadLetter, err error) bool {
	return err != nil && (l.ID == "" || fatal(err))
}
