package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// serveEvents lists stored events, or finds one by its id.
func serveEvents(q *request) (any, error) {
	id, err := q.query.one("id")
	if err != nil {
		return nil, err
	}
	if id != "" {
		return findEvent(q, id)
	}
	f, err := q.query.filter()
	if err != nil {
		return nil, err
	}
	p := engine.Page{}
	if p.Limit, err = q.query.limit(); err != nil {
		return nil, err
	}
	if p.Backwards, err = q.query.bool("newest"); err != nil {
		return nil, err
	}
	at, err := q.query.cursor(eventCursor)
	if err != nil {
		return nil, err
	}
	if at != "" {
		if p.After, err = strconv.ParseUint(at, 10, 64); err != nil {
			return nil, apiErrorf(http.StatusBadRequest, "cursor: must be the next_cursor of an earlier answer from here")
		}
	}
	found, err := q.Engine.Events(q.Context(), f, p)
	if err != nil {
		return nil, err
	}
	answer := api.EventPage{Damaged: found.Damaged}
	answer.Items = make([]api.Event, 0, len(found.Events))
	for i := range found.Events {
		answer.Items = append(answer.Items, viewEvent(&found.Events[i]))
	}
	if found.Next > 0 {
		answer.NextCursor = makeCursor(eventCursor, strconv.FormatUint(found.Next, 10))
	}
	return answer, nil
}

// findEvent looks an id up at one receiver, or at all there are.
func findEvent(q *request, id string) (any, error) {
	for name := range q.query {
		if name != "id" && name != "source" {
			return nil, apiErrorf(http.StatusBadRequest, "with id only source is possible, not %s", name)
		}
	}
	source, err := q.query.one("source")
	if err != nil {
		return nil, err
	}
	sources := q.Traffic.Names()
	if source != "" {
		sources = []string{source}
	}
	answer := api.EventPage{Page: api.Page[api.Event]{Items: []api.Event{}}}
	trimmed := uint64(0)
	for _, source := range sources {
		position, err := q.Engine.Lookup(q.Context(), source, id)
		if errors.Is(err, buffer.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		e, _, err := q.Engine.Event(q.Context(), position)
		if errors.Is(err, buffer.ErrNotFound) {
			trimmed = position
			continue
		} else if err != nil {
			return nil, err
		}
		answer.Items = append(answer.Items, viewEvent(&e))
	}
	switch {
	case len(answer.Items) > 0:
		return answer, nil
	case trimmed > 0:
		return nil, apiErrorf(http.StatusNotFound,
			"event %q was stored at position %d, but its retention has ended: only its dead letters may be left", id, trimmed)
	default:
		return nil, apiErrorf(http.StatusNotFound,
			"there is no event %q of the receivers %s: ids are remembered for the dedupe window", id, strings.Join(sources, ", "))
	}
}

// serveEvent shows one event with its payload, and where it stands with each handler.
func serveEvent(q *request) (any, error) {
	position, err := strconv.ParseUint(q.PathValue("position"), 10, 64)
	if err != nil || position == 0 {
		return nil, apiErrorf(http.StatusBadRequest, "position %q: must be a whole number from 1", q.PathValue("position"))
	}
	e, states, err := q.Engine.Event(q.Context(), position)
	if errors.Is(err, buffer.ErrNotFound) {
		b := q.Engine.Status(q.Context()).Buffer
		return nil, apiErrorf(http.StatusNotFound, "there is no event at position %d: stored are %d to %d",
			position, b.First, b.Last)
	} else if err != nil {
		return nil, err
	}
	// A dead letter of this event keeps its source and id, and is looked for by them.
	same := engine.Filter{Source: e.Source, EventIDs: []string{e.ID}}
	letters, err := q.Engine.DeadLetters(q.Context(), same, "", api.MaxLimit)
	if err != nil {
		return nil, err
	}
	whole := api.EventDetail{Event: viewEvent(&e), Content: viewPayload(&e)}
	whole.Handlers = make([]api.EventState, 0, len(states))
	for _, s := range states {
		whole.Handlers = append(whole.Handlers, viewState(s, letters.DeadLetters))
	}
	return whole, nil
}

func viewEvent(e *buffer.Event) api.Event {
	return api.Event{
		Position: e.Position, Source: e.Source, ID: e.ID, Type: e.Type, Mode: e.Mode, VehicleID: e.VehicleID,
		WebhookID: e.WebhookID, ReceivedAt: e.ReceivedAt.UTC(), SizeBytes: len(e.Body),
	}
}

func viewPayload(e *buffer.Event) api.Content {
	v := api.Content{
		UserID: e.UserID, DeliveryID: e.DeliveryID, ContentType: e.ContentType,
		Signature: e.Signature, Unreadable: e.Unreadable,
	}
	if json.Valid(e.Body) {
		v.Payload = api.RawJSON(e.Body)
	} else {
		v.PayloadBase64 = e.Body
	}
	return v
}

// viewState joins a state with the dead letter that may have ended the event.
func viewState(s buffer.State, letters []buffer.DeadLetter) api.EventState {
	v := api.EventState{Handler: s.Consumer, State: string(s.Phase), Lane: s.Lane, RetryState: viewRetry(s.Retry)}
	if s.Phase != buffer.PhaseSettled {
		return v
	}
	for i := range letters {
		if letters[i].Handler == s.Consumer {
			v.State, v.DeadLetter = "dead_letter", string(letters[i].ID)
			v.RetryState = viewRetry(letters[i].Retry)
		}
	}
	return v
}

func viewRetry(r buffer.Retry) api.RetryState {
	return api.RetryState{
		Attempts: r.Attempts, Crashes: r.Crashes,
		NextAttemptAt: api.UTC(r.NotBefore), FirstAt: api.UTC(r.FirstAt), LastAt: api.UTC(r.LastAt),
		FirstError: r.FirstError, LastError: r.LastError, Replay: r.Replay,
	}
}
