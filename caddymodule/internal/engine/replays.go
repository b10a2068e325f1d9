package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// ReplayEvents begins to give a handler settled events again that the filter picks
// among those stored by now, at so many events a second; rate 0 is
// replay.DefaultRate. That includes events from before the handler was there. The job is
// durable when it is returned. Events that still wait for the handler are left out.
// An *UnknownHandlerError when no such handler is in force.
func (e *Engine) ReplayEvents(ctx context.Context, handler string, f Filter, rate float64) (replay.Job, error) {
	if f.Handler == handler {
		f.Handler = ""
	}
	rate, err := replay.CheckRate(rate)
	if err != nil {
		return replay.Job{}, err
	}
	if _, err := e.runner(handler); err != nil {
		return replay.Job{}, err
	}
	job := replay.Job{Kind: replay.KindEvents, Filter: f, Rate: rate}
	b, r, err := e.eventRange(ctx, &f)
	if err != nil {
		return replay.Job{}, err
	}
	job.First, job.Last = r.First, b.Stats().Last
	if r.Last > 0 {
		job.Last = min(r.Last, job.Last)
	}
	return e.addReplay(ctx, handler, job)
}

// ReplayDeadLetters begins to give dead letters that the filter picks to their handlers
// again: one job for each handler that has any. Those that are unreadable are read
// again before it returns, if Options.Reread is set. Letters of handlers that are not
// configured are a *NotConfiguredError, and nothing is begun. Where it fails later,
// the jobs that were begun are returned with the error.
func (e *Engine) ReplayDeadLetters(ctx context.Context, f Filter, rate float64) ([]replay.Job, Reread, error) {
	rate, err := replay.CheckRate(rate)
	if err != nil {
		return nil, Reread{}, err
	}
	b, err := e.letterBuffer(ctx, &f)
	if err != nil {
		return nil, Reread{}, err
	}
	counts, err := countLetters(ctx, b, &f)
	if err != nil {
		return nil, Reread{}, err
	}
	unreadable := counts.ByHandler[""]
	delete(counts.ByHandler, "")
	handlers, err := e.replayable(counts.ByHandler)
	if err != nil {
		return nil, Reread{}, err
	}
	var jobs []replay.Job
	for _, handler := range handlers {
		job := replay.Job{Kind: replay.KindDeadLetters, Filter: f, Rate: rate, Total: uint64(counts.ByHandler[handler])}
		job, err := e.addReplay(ctx, handler, job)
		if err != nil {
			return jobs, Reread{}, notAll(jobs, handler, err)
		}
		jobs = append(jobs, job)
	}
	if unreadable == 0 {
		return jobs, Reread{}, nil
	}
	again, err := e.reread(ctx, b, &f)
	return jobs, again, err
}

// notAll says which jobs have begun although the call failed: if it were repeated, they would
// begin twice.
func notAll(begun []replay.Job, handler string, err error) error {
	if len(begun) == 0 {
		return fmt.Errorf("replay for handler %q: %w", handler, err)
	}
	var names []string
	for _, j := range begun {
		names = append(names, fmt.Sprintf("%s for handler %q", j.ID, j.Handler))
	}
	return fmt.Errorf("replay for handler %q (these have begun: %s): %w", handler, strings.Join(names, ", "), err)
}

// replayable returns the handlers' names in order, or a *NotConfiguredError with those that
// are not in force.
func (e *Engine) replayable(counts map[string]int) ([]string, error) {
	var handlers, gone []string
	for handler := range counts {
		if _, err := e.runner(handler); err != nil {
			gone = append(gone, handler)
			continue
		}
		handlers = append(handlers, handler)
	}
	slices.Sort(handlers)
	slices.Sort(gone)
	if len(gone) > 0 {
		return nil, &NotConfiguredError{Handlers: gone}
	}
	return handlers, nil
}

// Replays lists the jobs of all handlers in force, the oldest first: those that run,
// wait for an operator, or ended lately (20 a handler). A removed handler's jobs wait
// unseen until it is back.
func (e *Engine) Replays(ctx context.Context) ([]replay.Job, error) {
	if _, err := e.store.get(ctx); err != nil {
		return nil, err
	}
	return e.listReplays(), nil
}

func (e *Engine) listReplays() []replay.Job {
	var jobs []replay.Job
	for _, r := range e.current() {
		jobs = append(jobs, r.jobs()...)
	}
	replay.Sort(jobs)
	return jobs
}

// StopReplay stops a job, durably, and returns it as it then stands. A job that has
// ended stays as it is. buffer.ErrNotFound, wrapped, when there is no such job.
func (e *Engine) StopReplay(ctx context.Context, id string) (replay.Job, error) {
	return e.changeReplay(ctx, id, func(j *replay.Jobs) (replay.Job, error) { return j.Stop(ctx, id) })
}

// ResumeReplay lets a stopped or failed job go on where it ended. A job that runs or is
// done stays as it is. buffer.ErrNotFound, wrapped, when there is no such job.
func (e *Engine) ResumeReplay(ctx context.Context, id string) (replay.Job, error) {
	return e.changeReplay(ctx, id, func(j *replay.Jobs) (replay.Job, error) { return j.Resume(id) })
}

func (e *Engine) addReplay(ctx context.Context, handler string, job replay.Job) (replay.Job, error) {
	for {
		r, err := e.atWork(ctx, handler)
		if err != nil {
			return replay.Job{}, err
		}
		added, err := r.replaying().Add(job)
		if !errors.Is(err, replay.ErrClosed) {
			return added, err
		}
		// The handler was replaced in this moment: its successor takes the job.
	}
}

func (e *Engine) changeReplay(ctx context.Context, id string, change func(*replay.Jobs) (replay.Job, error)) (replay.Job, error) {
	if _, err := e.store.get(ctx); err != nil {
		return replay.Job{}, err
	}
	for {
		jobs, err := e.findReplay(ctx, id)
		if err != nil {
			return replay.Job{}, err
		}
		job, err := change(jobs)
		if !errors.Is(err, replay.ErrClosed) {
			return job, err
		}
	}
}

// findReplay returns the jobs among which an id is. It waits for handlers in a handover
// only when none of those at work has it.
func (e *Engine) findReplay(ctx context.Context, id string) (*replay.Jobs, error) {
	for _, r := range e.current() {
		if j := r.replaying(); j != nil && j.Has(id) {
			return j, nil
		}
	}
	for _, r := range e.current() {
		r, err := e.atWork(ctx, r.def.Name)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("looking for replay %q: %w", id, ctx.Err())
		}
		if err != nil {
			continue // its jobs are not known now
		}
		if j := r.replaying(); j.Has(id) {
			return j, nil
		}
	}
	return nil, fmt.Errorf("replay %q: %w", id, buffer.ErrNotFound)
}
