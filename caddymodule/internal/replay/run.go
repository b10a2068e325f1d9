package replay

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// begin runs a job in a goroutine of its own. The caller holds mu.
func (j *Jobs) begin(e *entry) {
	if j.closed {
		return
	}
	ctx, stop := context.WithCancelCause(j.feeding)
	ended := make(chan struct{})
	e.stop, e.ended = stop, ended
	j.work.Go(func() {
		defer close(ended)
		defer stop(nil)
		j.end(e, j.feed(ctx, e), context.Cause(ctx))
		j.prune()
	})
}

// end notes why a job's goroutine ends: err from feeding, and the cause if its context ended.
func (j *Jobs) end(e *entry, err, cause error) {
	j.mu.Lock()
	job := e.job
	j.mu.Unlock()
	switch {
	case job.State != StateRunning: // done, with its last chunk
		j.log.Info("a replay is done", "replay", job.ID,
			"fed", job.Fed, "open", job.Open, "unwanted", job.Unwanted, "damaged", job.Damaged)
	case errors.Is(cause, errStop):
		job.State = StateStopped
	case cause != nil || errors.Is(err, dispatch.ErrStopped) || errors.Is(err, buffer.ErrClosed):
		// The handler is being stopped or replaced: its successor continues the job.
	default:
		job.State, job.Error = StateFailed, err.Error()
		j.log.Error("a replay failed: it can be resumed", "replay", job.ID, "error", err)
	}
	var saveErr error
	if job.State == StateStopped || job.State == StateFailed {
		job.UpdatedAt = time.Now().UTC()
		saveErr = j.save(&job)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.job, e.saveErr, e.stop = job, saveErr, nil
}

// prune forgets the jobs that ended first, beyond keepEnded.
func (j *Jobs) prune() {
	j.mu.Lock()
	var ended []Job
	for _, e := range j.jobs {
		if e.job.State != StateRunning {
			ended = append(ended, e.job)
		}
	}
	slices.SortFunc(ended, func(a, b Job) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	ended = ended[:max(0, len(ended)-keepEnded)]
	var removals []buffer.Outcome
	for _, job := range ended {
		delete(j.jobs, job.ID)
		removals = append(removals, buffer.Outcome{Verb: buffer.PutMemo, Memo: &buffer.Memo{Key: memoPrefix + job.ID}})
	}
	j.mu.Unlock()
	if len(removals) == 0 {
		return
	}
	if err := j.cfg.Consumer.Settle(j.storing, removals...); err != nil {
		j.log.Warn("old replays are not forgotten yet", "error", err)
	}
}
