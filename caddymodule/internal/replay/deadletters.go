package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// maxLetters are sorted by position at a time.
const maxLetters = 10_000

// letters feeds dead letters. It begins at the first each time: those that were fed are gone.
func (r *run) letters(ctx context.Context) error {
	r.job.Open, r.job.Unwanted, r.job.Damaged, r.job.Gone = 0, 0, 0, 0
	var after buffer.DeadLetterID
	for {
		next := r.job
		found, last, err := r.batch(ctx, &next, after)
		if err != nil {
			return err
		}
		end := last == ""
		if err := r.putLetters(ctx, next, found, end); err != nil || end {
			return err
		}
		after = last
	}
}

// batch returns up to maxLetters letters that are picked, by position, and the id of
// the last one looked at, "" when there are no more.
func (r *run) batch(ctx context.Context, job *Job, after buffer.DeadLetterID) (found []dispatch.Reopening, last buffer.DeadLetterID, err error) {
	for l, err := range r.each(ctx, job, after) {
		if err != nil && (l.ID == "" || ctx.Err() != nil || errors.Is(err, buffer.ErrClosed)) {
			return nil, "", fmt.Errorf("reading dead letters: %w", err)
		}
		if err != nil {
			job.Damaged++
			continue
		}
		if len(found) == maxLetters {
			break
		}
		last = l.ID
		// A letter that came while the job ran is not fed again.
		if l.ID < job.Before && job.Filter.MatchDeadLetter(&l) {
			found = append(found, dispatch.Reopening{Event: envelope(&l.Event), Letter: l.ID, Replay: job.ID})
		}
	}
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	if len(found) < maxLetters {
		last = ""
	}
	slices.SortStableFunc(found, func(a, b dispatch.Reopening) int {
		return cmp.Compare(a.Event.Position, b.Event.Position)
	})
	return found, last, nil
}

// each yields the letters that the filter may pick.
func (r *run) each(ctx context.Context, job *Job, after buffer.DeadLetterID) func(yield func(buffer.DeadLetter, error) bool) {
	if len(job.Filter.DeadLetters) == 0 {
		return r.cfg.Source.DeadLetters(ctx, after)
	}
	ids := slices.Clone(job.Filter.DeadLetters)
	slices.Sort(ids)
	return func(yield func(buffer.DeadLetter, error) bool) {
		for _, id := range slices.Compact(ids) {
			if id <= after {
				continue
			}
			l, err := r.cfg.Source.DeadLetter(ctx, id)
			if errors.Is(err, buffer.ErrNotFound) {
				continue // fed before, or dropped
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// putLetters feeds letters in chunks. When they are the last, the job is done with the
// last chunk.
func (r *run) putLetters(ctx context.Context, next Job, found []dispatch.Reopening, end bool) error {
	for {
		var items []dispatch.Reopening
		for len(found) > 0 && len(items) < r.chunk {
			item := found[0]
			found = found[1:]
			// A second letter of one event has to wait for what becomes of the first.
			if n := len(items); n > 0 && items[n-1].Event.Position == item.Event.Position {
				next.Open++
				continue
			}
			var err error
			if items, err = r.pick(ctx, &next, items, item); err != nil {
				return err
			}
		}
		last := len(found) == 0
		if err := r.put(ctx, next, items, end && last); err != nil || last {
			return err
		}
		next = r.job
	}
}
