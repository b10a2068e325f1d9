package admin

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// serveLetters lists dead letters, the oldest first.
func serveLetters(q *request) (any, error) {
	f, err := q.query.letterFilter()
	if err != nil {
		return nil, err
	}
	limit, err := q.query.limit()
	if err != nil {
		return nil, err
	}
	after, err := q.query.cursor(letterCursor)
	if err != nil {
		return nil, err
	}
	found, err := q.Engine.DeadLetters(q.Context(), f, buffer.DeadLetterID(after), limit)
	if err != nil {
		return nil, err
	}
	if after == "" && found.Next == "" {
		if err := mustMean(q, f, len(found.Letters)); err != nil {
			return nil, err
		}
	}
	answer := api.DeadLetterPage{Page: api.Page[api.DeadLetter]{Items: make([]api.DeadLetter, 0, len(found.Letters))}, Damaged: found.Damaged}
	for i := range found.Letters {
		answer.Items = append(answer.Items, viewLetter(&found.Letters[i]))
	}
	if found.Next != "" {
		answer.NextCursor = makeCursor(letterCursor, string(found.Next))
	}
	return answer, nil
}

// serveLetter shows one dead letter with its copy of the event.
func serveLetter(q *request) (any, error) {
	id := q.PathValue("id")
	l, err := q.Engine.DeadLetter(q.Context(), buffer.DeadLetterID(id))
	if errors.Is(err, buffer.ErrNotFound) {
		return nil, noLetter(id)
	} else if err != nil {
		return nil, err
	}
	return api.DeadLetterDetail{DeadLetter: viewLetter(&l), Content: viewPayload(&l.Event)}, nil
}

func noLetter(id string) error {
	return apiErrorf(http.StatusNotFound, "there is no dead letter %q: it may have been replayed or dropped", id)
}

// dropLetters removes the dead letters that the filter picks, for good.
func dropLetters(q *request) (any, error) {
	f, err := q.query.letterFilter()
	if err != nil {
		return nil, err
	}
	all, err := q.query.bool("all")
	if err != nil {
		return nil, err
	}
	dryRun, err := q.query.bool("dry_run")
	if err != nil {
		return nil, err
	}
	if err := checkAll(f, all, "all=true"); err != nil {
		return nil, err
	}
	count, err := q.Engine.CountDeadLetters(q.Context(), f)
	if err != nil {
		return nil, err
	}
	if err := mustMean(q, f, count.Total); err != nil {
		return nil, err
	}
	answer := viewLetterCount(count)
	answer.DryRun = dryRun
	if dryRun {
		return answer, nil
	}
	answer.Dropped, err = q.Engine.DropDeadLetters(q.Context(), f)
	return answer, err
}

func dropLetter(q *request) (any, error) {
	id := q.PathValue("id")
	n, err := q.Engine.DropDeadLetters(q.Context(), engine.Filter{Letters: []buffer.DeadLetterID{buffer.DeadLetterID(id)}})
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, noLetter(id)
	}
	return api.DeadLetterCount{Matched: n, Dropped: n}, nil
}

// mustMean refuses a handler's name under which there is nothing at all, so that a
// mistyped one does not look like "no dead letters".
func mustMean(q *request, f engine.Filter, matched int) error {
	if f.Handler == "" || matched > 0 {
		return nil
	}
	s := q.Engine.Status(q.Context())
	known := map[string]bool{}
	for i := range s.Handlers {
		known[s.Handlers[i].Name] = true
	}
	for i := range s.Removed {
		known[s.Removed[i].Name] = true
	}
	if known[f.Handler] {
		return nil
	}
	count, err := q.Engine.CountDeadLetters(q.Context(), engine.Filter{})
	if err != nil {
		return err
	}
	if count.ByHandler[f.Handler] > 0 {
		return nil
	}
	for name := range count.ByHandler {
		if name != "" {
			known[name] = true
		}
	}
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	if names == "" {
		names = "none"
	}
	return apiErrorf(http.StatusNotFound, "there is no handler %q, nor a dead letter of one: there are %s", f.Handler, names)
}

// checkAll refuses an order about everything that does not say so: a filter that got
// lost on the way must not mean everything.
func checkAll(f engine.Filter, all bool, say string) error {
	switch {
	case everything(f) && !all:
		return apiErrorf(http.StatusBadRequest, "there is no filter: give one, or say %s", say)
	case !everything(f) && all:
		return apiErrorf(http.StatusBadRequest, "there are a filter and %s: give one of them", say)
	default:
		return nil
	}
}

func viewLetterCount(c engine.LetterCount) api.DeadLetterCount {
	v := api.DeadLetterCount{Matched: c.Total, ByHandler: c.ByHandler, ByReason: make(map[string]int, len(c.ByReason))}
	for reason, n := range c.ByReason {
		v.ByReason[string(reason)] = n
	}
	return v
}

func viewLetter(l *buffer.DeadLetter) api.DeadLetter {
	return api.DeadLetter{
		ID: string(l.ID), Handler: l.Handler, Reason: string(l.Reason), HandlerReason: l.HandlerReason,
		RetryState: viewRetry(l.Retry), DiedAt: l.DiedAt.UTC(), Event: viewEvent(&l.Event),
	}
}
