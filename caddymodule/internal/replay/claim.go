package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// claims are the positions that jobs of one handler put back just now. Two jobs may pick the same event: the one that
// comes second waits until it is known what became of the first, and then counts what it finds. The key is the
// position; the channel is closed when the claim ends. Jobs.mu guards it.
type claims map[uint64]chan struct{}

// claim keeps other jobs from putting the items back meanwhile, until release. It waits for those that do.
func (r *run) claim(ctx context.Context, items []dispatch.Reopening) (release func(), err error) {
	mine := make(chan struct{})
	for {
		other := r.tryClaim(items, mine)
		if other == nil {
			return func() { r.unclaim(items, mine) }, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for another replay: %w", ctx.Err())
		}
	}
}

// tryClaim claims all items or none. It returns another's claim on one of them.
func (r *run) tryClaim(items []dispatch.Reopening, mine chan struct{}) (other chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range items {
		if other := r.claims[item.Event.Position]; other != nil {
			return other
		}
	}
	for _, item := range items {
		r.claims[item.Event.Position] = mine
	}
	return nil
}

func (r *run) unclaim(items []dispatch.Reopening, mine chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range items {
		delete(r.claims, item.Event.Position)
	}
	close(mine)
}

// remaining returns the claimed items that can still be put back, and counts the others: since they were picked,
// another job may have put them back, or an operator dropped them.
func (r *run) remaining(ctx context.Context, job *Job, items []dispatch.Reopening) ([]dispatch.Reopening, error) {
	var left []dispatch.Reopening
	for _, item := range items {
		gone, err := r.isGone(ctx, item.Letter)
		if err != nil {
			return nil, err
		}
		if gone {
			job.Gone++
			continue
		}
		open, err := r.isOpen(ctx, item.Event.Position)
		if err != nil {
			return nil, err
		}
		if open {
			job.Open++
			continue
		}
		left = append(left, item)
	}
	return left, nil
}

// isGone reports whether a dead letter is there no more; "" is none.
func (r *run) isGone(ctx context.Context, letter buffer.DeadLetterID) (bool, error) {
	if letter == "" {
		return false, nil
	}
	_, err := r.cfg.Source.DeadLetter(ctx, letter)
	if errors.Is(err, buffer.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading a dead letter again: %w", err)
	}
	return false, nil
}
