package caddymodule

import (
	"errors"
	"net/http"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// eventReplayOrder is the body of POST /smartcar/replays.
type eventReplayOrder struct {
	Handler string      `json:"handler"`
	Filter  filterOrder `json:"filter"`
	All     bool        `json:"all"`
	Rate    *float64    `json:"rate,omitempty"`
	DryRun  bool        `json:"dry_run"`
}

// letterReplayOrder is the body of POST /smartcar/dead-letters/replay.
type letterReplayOrder struct {
	Filter filterOrder `json:"filter"`
	All    bool        `json:"all"`
	Rate   *float64    `json:"rate,omitempty"`
	DryRun bool        `json:"dry_run"`
}

// checkRate returns the rate that is meant: a missing one is the default, 0 is none.
func checkRate(given *float64) (float64, error) {
	if given == nil {
		return replay.DefaultRate, nil
	}
	rate, err := replay.CheckRate(*given)
	if err != nil || *given == 0 {
		return 0, apiErrorf(http.StatusBadRequest, "rate %g: must be 0.01 to %d events a second", *given, replay.MaxRate)
	}
	return rate, nil
}

// startReplay gives a handler stored events again.
func startReplay(q *adminRequest) (any, error) {
	var o eventReplayOrder
	if err := decodeOrder(q.Request, &o); err != nil {
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
	if err := mustBeHandler(q, o.Handler); err != nil {
		return nil, err
	}
	if o.DryRun {
		count, err := q.Engine.CountEvents(q.Context(), f)
		return eventCountView{
			DryRun: true, Matched: count.Total, ByType: count.ByType, FirstPosition: count.First, LastPosition: count.Last,
			Oldest: utc(count.Oldest), Newest: utc(count.Newest), Damaged: count.Damaged,
		}, err
	}
	job, err := q.Engine.ReplayEvents(q.Context(), o.Handler, f, rate)
	return viewJob(job), err
}

// replayLetters gives dead letters to their handlers again.
func replayLetters(q *adminRequest) (any, error) {
	var o letterReplayOrder
	if err := decodeOrder(q.Request, &o); err != nil {
		return nil, err
	}
	f, err := engineFilter(o.Filter)
	if err != nil {
		return nil, err
	}
	if err := f.CheckLetters(); err != nil {
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
		answer := viewLetterCount(count)
		answer.DryRun = true
		return answer, mustMean(q, f, count.Total)
	}
	jobs, reread, err := q.Engine.ReplayDeadLetters(q.Context(), f, rate)
	return letterReplayView{Replays: viewJobs(jobs), Reread: rereadView{Readable: reread.Readable, Unreadable: reread.Unreadable}}, err
}

// serveReplays lists replays, the oldest first.
func serveReplays(q *adminRequest) (any, error) {
	jobs, err := q.Engine.Replays(q.Context())
	return page[replayView]{Items: viewJobs(jobs)}, err
}

func serveReplay(q *adminRequest) (any, error) {
	jobs, err := q.Engine.Replays(q.Context())
	if err != nil {
		return nil, err
	}
	id := q.PathValue("id")
	i := slices.IndexFunc(jobs, func(j replay.Job) bool { return j.ID == id })
	if i < 0 && handlersIdle(q) {
		return nil, errNotAtWork // its handler may have it
	}
	if i < 0 {
		return nil, noReplay(id, buffer.ErrNotFound)
	}
	return viewJob(jobs[i]), nil
}

func stopReplay(q *adminRequest) (any, error) {
	id := q.PathValue("id")
	job, err := q.Engine.StopReplay(q.Context(), id)
	return viewJob(job), noReplay(id, err)
}

func resumeReplay(q *adminRequest) (any, error) {
	id := q.PathValue("id")
	job, err := q.Engine.ResumeReplay(q.Context(), id)
	return viewJob(job), noReplay(id, err)
}

// noReplay words that there is none.
func noReplay(id string, err error) error {
	if errors.Is(err, buffer.ErrNotFound) {
		return apiErrorf(http.StatusNotFound, "there is no replay %q: one that ended long ago is not kept", id)
	}
	return err
}

func viewJobs(jobs []replay.Job) []replayView {
	views := make([]replayView, 0, len(jobs))
	for _, j := range jobs {
		views = append(views, viewJob(j))
	}
	return views
}

func viewJob(j replay.Job) replayView {
	v := replayView{
		ID: j.ID, Handler: j.Handler, Kind: string(j.Kind), State: string(j.State), Error: j.Error, Filter: viewFilter(&j.Filter),
		Rate: j.Rate, CreatedAt: j.CreatedAt.UTC(), UpdatedAt: utc(j.UpdatedAt),
		Fed: j.Fed, Open: j.Open, Unwanted: j.Unwanted, Damaged: j.Damaged,
	}
	switch {
	case j.Kind == replay.KindEvents && j.Last >= j.First:
		v.FirstPosition, v.LastPosition, v.Position = j.First, j.Last, j.Cursor
		if j.Last > 0 && j.Cursor >= j.First {
			v.Share = float64(j.Cursor-j.First+1) / float64(j.Last-j.First+1)
		}
	case j.Kind == replay.KindDeadLetters:
		v.Total = j.Total
		if j.Total > 0 {
			v.Share = min(1, float64(j.Fed+j.Open+j.Unwanted+j.Damaged)/float64(j.Total))
		}
	}
	if j.State == replay.StateDone {
		v.Share = 1
	}
	return v
}
