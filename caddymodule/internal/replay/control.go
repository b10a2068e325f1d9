package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Add makes a job durable and begins it. Of the job given, Kind, Filter, Rate, First, Last and Total count.
func (j *Jobs) Add(job Job) (Job, error) {
	job.Version, job.Handler, job.State = jobVersion, j.cfg.Handler, StateRunning
	if job.Kind == KindDeadLetters {
		job.Filter.Handler = j.cfg.Handler
		job.Before = j.cfg.Source.DeadLettersEnd()
	}
	job.CreatedAt = time.Now().UTC()
	job.UpdatedAt = job.CreatedAt
	e := new(entry)
	e.changing.Lock()
	defer e.changing.Unlock()
	if err := j.reserve(&job, e); err != nil {
		return Job{}, err
	}
	err := j.save(&job)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		delete(j.jobs, job.ID)
		return Job{}, err
	}
	j.log.Info("a replay begins", "replay", job.ID, "kind", job.Kind, "rate", job.Rate)
	j.begin(e)
	return job, nil
}

// reserve gives the job an id and a place.
func (j *Jobs) reserve(job *Job, e *entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	running := 0
	for _, other := range j.jobs {
		if other.job.State == StateRunning {
			running++
		}
	}
	if running >= maxRunning {
		return fmt.Errorf("%w: handler %q has %d running: wait for one to end, or stop one", ErrTooMany, j.cfg.Handler, running)
	}
	for job.ID == "" || j.jobs[job.ID] != nil {
		job.ID = newID(job.CreatedAt)
	}
	e.job = *job
	j.jobs[job.ID] = e
	return nil
}

// errStop is why a goroutine ends when an operator stops its job.
var errStop = errors.New("stopped")

// Stop stops a running job and returns when that is durable. When ctx ends first, the
// job stops all the same. buffer.ErrNotFound, wrapped, when there is no such job.
func (j *Jobs) Stop(ctx context.Context, id string) (Job, error) {
	e, err := j.find(id)
	if err != nil {
		return Job{}, err
	}
	e.changing.Lock()
	defer e.changing.Unlock()
	j.mu.Lock()
	stop, ended := e.stop, e.ended
	j.mu.Unlock()
	if stop != nil {
		stop(errStop)
		select {
		case <-ended:
		case <-ctx.Done():
			return Job{}, fmt.Errorf("stopping replay %s: %w", id, ctx.Err())
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed && e.job.State == StateRunning {
		return Job{}, ErrClosed
	}
	return e.job, e.saveErr
}

// Resume lets a stopped or failed job go on, durably. buffer.ErrNotFound, wrapped, when
// there is no such job.
func (j *Jobs) Resume(id string) (Job, error) {
	e, err := j.find(id)
	if err != nil {
		return Job{}, err
	}
	e.changing.Lock()
	defer e.changing.Unlock()
	j.mu.Lock()
	job, closed := e.job, j.closed
	j.mu.Unlock()
	switch {
	case closed:
		return Job{}, ErrClosed
	case job.State == StateDone || job.State == StateRunning:
		return job, nil
	}
	job.State, job.Error, job.UpdatedAt = StateRunning, "", time.Now().UTC()
	if err := j.save(&job); err != nil {
		return Job{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.job, e.saveErr = job, nil
	j.log.Info("a replay is resumed", "replay", id, "fed", job.Fed)
	j.begin(e)
	return job, nil
}

// Has reports whether there is a job of this id.
func (j *Jobs) Has(id string) bool {
	_, err := j.find(id)
	return err == nil
}

func (j *Jobs) find(id string) (*entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e := j.jobs[id]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("replay %q: %w", id, buffer.ErrNotFound)
}

// save stores a job's memo. It belongs to no caller's context: one that gave up half-way
// would not know whether there is a job.
func (j *Jobs) save(job *Job) error {
	memo, err := job.memo()
	if err != nil {
		return err
	}
	if err := j.cfg.Consumer.Settle(j.storing, buffer.Outcome{Verb: buffer.PutMemo, Memo: memo}); err != nil {
		return fmt.Errorf("storing replay %s: %w", job.ID, err)
	}
	return nil
}
