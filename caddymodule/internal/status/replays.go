package status

import (
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// ViewFilter turns a filter back into the one of the request.
func ViewFilter(f *engine.Filter) api.Filter {
	o := api.Filter{
		EventIDs: f.EventIDs, Handler: f.Handler, Reason: string(f.Reason), Source: f.Source, Vehicle: f.Vehicle,
		Type: f.Type, Mode: f.Mode, Webhook: f.Webhook,
	}
	for _, id := range f.DeadLetters {
		o.DeadLetterIDs = append(o.DeadLetterIDs, string(id))
	}
	if !f.Since.IsZero() {
		o.Since = f.Since.UTC().Format(time.RFC3339Nano)
	}
	if !f.Until.IsZero() {
		o.Until = f.Until.UTC().Format(time.RFC3339Nano)
	}
	return o
}

// Replays describes jobs of the engine.
func Replays(jobs []replay.Job) []api.Replay {
	views := make([]api.Replay, 0, len(jobs))
	for _, j := range jobs {
		views = append(views, Replay(j))
	}
	return views
}

// Replay describes one job of the engine.
func Replay(j replay.Job) api.Replay {
	v := api.Replay{
		ID: j.ID, Handler: j.Handler, Kind: string(j.Kind), State: string(j.State), Error: j.Error,
		Filter: ViewFilter(&j.Filter),
		Rate:   j.Rate, CreatedAt: j.CreatedAt.UTC(), UpdatedAt: api.UTC(j.UpdatedAt),
		Fed: j.Fed, Open: j.Open, Unwanted: j.Unwanted, Damaged: j.Damaged, Gone: j.Gone,
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
			v.Share = min(1, float64(j.Seen())/float64(j.Total))
		}
	}
	if j.State == replay.StateDone {
		v.Share = 1
	}
	return v
}
