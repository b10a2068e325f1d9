package admin

import (
	"errors"
	"net/http"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

// checkRate returns the rate that is meant: a missing one is the default, 0 is none.
func checkRate(given *float64) (float64, error) {
	if given == nil {
		return replay.DefaultRate, nil
	}
	rate, err := replay.CheckRate(*given)
	if *given == 0 {
		err = &replay.RateError{}
	}
	if err != nil {
		return 0, apiErrorf(http.StatusBadRequest, "%w", err)
	}
	return rate, nil
}

// startReplay gives a handler stored events again.
func startReplay(q *request) (any, error) {
	var o api.ReplayRequest
	if err := decodeBody(q.Request, &o); err != nil {
		return nil, err
	}
	if o.Handler == "" {
		return nil, apiErrorf(http.StatusBadRequest, "handler is missing: name the handler that gets the events again")
	}
	f, err := engineFilter(o.Filter)
	if err != nil {
		return nil, err
	}
	if err := f.CheckEvents(); err != nil {
		return nil, apiErrorf(http.StatusBadRequest, "%w", err)
	}
	if err := checkAll(f, o.All, `"all": true`); err != nil {
		return nil, err
	}
	rate, err := checkRate(o.Rate)
	if err != nil {
		return nil, err
	}
	if err := requireHandler(q, o.Handler); err != nil {
		return nil, err
	}
	if o.DryRun {
		count, err := q.Engine.CountEvents(q.Context(), f)
		return api.EventCount{
			DryRun: true, Matched: count.Total, ByType: count.ByType, FirstPosition: count.First, LastPosition: count.Last,
			Oldest: api.UTC(count.Oldest), Newest: api.UTC(count.Newest), Damaged: count.Damaged,
		}, err
	}
	job, err := q.Engine.ReplayEvents(q.Context(), o.Handler, f, rate)
	return status.Replay(job), err
}

// replayDeadLetters gives dead letters to their handlers again.
func replayDeadLetters(q *request) (any, error) {
	var o api.DeadLetterReplayRequest
	if err := decodeBody(q.Request, &o); err != nil {
		return nil, err
	}
	f, err := engineFilter(o.Filter)
	if err != nil {
		return nil, err
	}
	if err := f.CheckDeadLetters(); err != nil {
		return nil, apiErrorf(http.StatusBadRequest, "%w", err)
	}
	if err := checkAll(f, o.All, `"all": true`); err != nil {
		return nil, err
	}
	rate, err := checkRate(o.Rate)
	if err != nil {
		return nil, err
	}
	if o.DryRun {
		count, err := q.Engine.CountDeadLetters(q.Context(), f)
		if err != nil {
			return nil, err
		}
		answer := viewDeadLetterCount(count)
		answer.DryRun = true
		return answer, requireKnownHandler(q, f, count.Total)
	}
	jobs, reread, err := q.Engine.ReplayDeadLetters(q.Context(), f, rate)
	return api.DeadLetterReplay{
		Replays: status.Replays(jobs),
		Reread:  api.Reread{Readable: reread.Readable, Unreadable: reread.Unreadable},
	}, err
}

// serveReplays lists replays, the oldest first.
func serveReplays(q *request) (any, error) {
	jobs, err := q.Engine.Replays(q.Context())
	return api.Page[api.Replay]{Items: status.Replays(jobs)}, err
}

func serveReplay(q *request) (any, error) {
	jobs, err := q.Engine.Replays(q.Context())
	if err != nil {
		return nil, err
	}
	id := q.PathValue("id")
	i := slices.IndexFunc(jobs, func(j replay.Job) bool { return j.ID == id })
	if i < 0 && handlersIdle(q) {
		return nil, errHandlersIdle // its handler may have it
	}
	if i < 0 {
		return nil, replayNotFound(id, buffer.ErrNotFound)
	}
	return status.Replay(jobs[i]), nil
}

func stopReplay(q *request) (any, error) {
	id := q.PathValue("id")
	job, err := q.Engine.StopReplay(q.Context(), id)
	return status.Replay(job), replayNotFound(id, err)
}

func resumeReplay(q *request) (any, error) {
	id := q.PathValue("id")
	job, err := q.Engine.ResumeReplay(q.Context(), id)
	return status.Replay(job), replayNotFound(id, err)
}

// replayNotFound words that there is none.
func replayNotFound(id string, err error) error {
	if errors.Is(err, buffer.ErrNotFound) {
		return apiErrorf(http.StatusNotFound, "there is no replay %q: one that ended long ago is not kept", id)
	}
	return err
}
