package replay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/time/rate"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

const (
	// maxChunk events are fed in one step.
	maxChunk = 64
	// maxLook events are looked at before the cursor is stored, also if none is picked.
	maxLook = 50_000
)

// run is one job while its goroutine runs.
type run struct {
	*Jobs
	entry *entry
	job   Job // the goroutine's own copy; entry.job follows when it is durable
	chunk int
	limit *rate.Limiter
}

// feed runs a job until it is done. When it returns nil, the job is done durably.
func (j *Jobs) feed(ctx context.Context, e *entry) error {
	j.mu.Lock()
	r := &run{Jobs: j, entry: e, job: e.job}
	j.mu.Unlock()
	// Ten chunks a second make a slow replay even and a fast one cheap.
	r.chunk = max(1, min(maxChunk, int(r.job.Rate/10)))
	r.limit = rate.NewLimiter(rate.Limit(r.job.Rate), r.chunk)
	if j.cfg.Ready != nil {
		// An unwanted dead letter that is fed would be skipped, and gone.
		if err := j.cfg.Ready(ctx); err != nil {
			return fmt.Errorf("waiting for the handler: %w", err)
		}
	}
	switch r.job.Kind {
	case KindEvents:
		return r.events(ctx)
	case KindDeadLetters:
		return r.letters(ctx)
	}
	return fmt.Errorf("a replay of kind %q is not known", r.job.Kind)
}

// events feeds settled events, in append order.
func (r *run) events(ctx context.Context) error {
	for {
		next := r.job // what it is when the chunk is durable
		items, end, err := r.collect(ctx, &next)
		if err != nil {
			return err
		}
		if err := r.put(ctx, next, items, end); err != nil || end {
			return err
		}
	}
}

// collect finds the next events to be fed and counts in job what it passes by. The
// buffer is read for one chunk at a time: at a slow rate an open iterator would keep the
// disk space of what is trimmed.
func (r *run) collect(ctx context.Context, job *Job) (items []dispatch.Reopening, end bool, err error) {
	within := job.Filter.Range()
	within.First, within.Last = max(job.First, job.Cursor+1), job.Last
	if job.Last == 0 || job.Cursor == math.MaxUint64 || within.First > within.Last {
		return nil, true, nil // a Last of zero would not restrict
	}
	looked := 0
	for ev, err := range r.cfg.Source.Events(ctx, within) {
		if err != nil && (ev.Position == 0 || ctx.Err() != nil || errors.Is(err, buffer.ErrClosed)) {
			return nil, false, fmt.Errorf("reading events: %w", err)
		}
		looked++
		job.Cursor = ev.Position
		if err != nil {
			job.Damaged++
		} else if job.Filter.MatchEvent(&ev) {
			item := dispatch.Reopening{Event: envelope(&ev), Replay: job.ID}
			if items, err = r.pick(ctx, job, items, item); err != nil {
				return nil, false, err
			}
		}
		if len(items) == r.chunk || looked == maxLook {
			return items, false, nil
		}
	}
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	job.Cursor = job.Last
	return items, true, nil
}

// pick adds an item to those to be fed, or counts why not.
func (r *run) pick(ctx context.Context, job *Job, items []dispatch.Reopening, item dispatch.Reopening) ([]dispatch.Reopening, error) {
	if r.cfg.Wanted != nil && !r.cfg.Wanted(item.Event) {
		job.Unwanted++
		return items, nil
	}
	open, err := r.isOpen(ctx, item.Event.Position)
	if err != nil {
		return nil, err
	}
	if !open {
		return append(items, item), nil
	}
	// Another job may have put this very letter back since it was read. Then the event is open, and the letter is gone.
	gone, err := r.isGone(ctx, item.Letter)
	if err != nil {
		return nil, err
	}
	if gone {
		job.Gone++
	} else {
		job.Open++
	}
	return items, nil
}

// isOpen reports whether an event waits for the handler anyway. The buffer would ignore such
// an event; it is asked only to count it.
func (r *run) isOpen(ctx context.Context, position uint64) (bool, error) {
	states, err := r.cfg.Source.States(ctx, position)
	if errors.Is(err, buffer.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading where an event stands: %w", err)
	}
	for _, s := range states {
		if s.Consumer == r.cfg.Handler {
			return s.Phase != buffer.PhaseSettled, nil
		}
	}
	return false, nil
}

// put feeds a chunk at the job's rate, and stores the new state of the job in the same step.
func (r *run) put(ctx context.Context, next Job, items []dispatch.Reopening, end bool) error {
	if len(items) > 0 {
		if err := r.limit.WaitN(ctx, len(items)); err != nil {
			return fmt.Errorf("waiting for the next chunk: %w", err)
		}
		release, err := r.claim(ctx, items)
		if err != nil {
			return err
		}
		defer release()
		if items, err = r.remaining(ctx, &next, items); err != nil {
			return err
		}
	}
	next.Fed += uint64(len(items))
	next.UpdatedAt = time.Now().UTC()
	if end {
		next.end()
	}
	memo, err := next.memo()
	if err != nil {
		return err
	}
	// Not under ctx: a step that has begun must end before another writes the memo.
	if err := r.cfg.Feeder.Reopen(r.storing, items, memo); err != nil {
		return fmt.Errorf("feeding events: %w", err)
	}
	r.job = next
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry.job = next
	return nil
}

// envelope returns a copy of an event without its body.
func envelope(e *buffer.Event) *buffer.Event {
	c := *e
	c.Body = nil
	return &c
}
