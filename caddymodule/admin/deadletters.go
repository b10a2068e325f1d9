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

// serveDeadLetters lists dead letters, the oldest first.
func serveDeadLetters(q *request) (any, error) {
	f, err := q.query.deadLetterFilter()
	if err != nil {
		return nil, err
	}
	limit, err := q.query.limit()
	if err != nil {
		return nil, err
	}
	after, err := q.query.cursor(deadLetterCursor)
	if err != nil {
		return nil, err
	}
	found, err := q.Engine.DeadLetters(q.Context(), f, buffer.DeadLetterID(after), limit)
	if err != nil {
		return nil, err
	}
	if after == "" && found.Next == "" {
		if err := requireKnownHandler(q, f, len(found.DeadLetters)); err != nil {
			return nil, err
		}
	}
	answer := api.DeadLetterPage{Damaged: found.Damaged}
	answer.Items = make([]api.DeadLetter, 0, len(found.DeadLetters))
	for i := range found.DeadLetters {
		answer.Items = append(answer.Items, viewDeadLetter(&found.DeadLetters[i]))
	}
	if found.Next != "" {
		answer.NextCursor = makeCursor(deadLetterCursor, string(found.Next))
	}
	return answer, nil
}

// serveDeadLetter shows one dead letter with its copy of the event.
func serveDeadLetter(q *request) (any, error) {
	id := q.PathValue("id")
	l, err := q.Engine.DeadLetter(q.Context(), buffer.DeadLetterID(id))
	if errors.Is(err, buffer.ErrNotFound) {
		return nil, deadLetterNotFound(id)
	} else if err != nil {
		return nil, err
	}
	return api.DeadLetterDetail{DeadLetter: viewDeadLetter(&l), Content: viewPayload(&l.Event)}, nil
}

func deadLetterNotFound(id string) error {
	return apiErrorf(http.StatusNotFound, "there is no dead letter %q: it may have been replayed or dropped", id)
}

// dropDeadLetters removes the dead letters that the filter picks, for good.
func dropDeadLetters(q *request) (any, error) {
	f, err := q.query.deadLetterFilter()
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
	if err := requireKnownHandler(q, f, count.Total); err != nil {
		return nil, err
	}
	answer := viewDeadLetterCount(count)
	answer.DryRun = dryRun
	if dryRun {
		return answer, nil
	}
	answer.Dropped, err = q.Engine.DropDeadLetters(q.Context(), f)
	return answer, err
}

func dropDeadLetter(q *request) (any, error) {
	id := q.PathValue("id")
	n, err := q.Engine.DropDeadLetters(q.Context(), engine.Filter{DeadLetters: []buffer.DeadLetterID{buffer.DeadLetterID(id)}})
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, deadLetterNotFound(id)
	}
	return api.DeadLetterCount{Matched: n, Dropped: n}, nil
}

// requireKnownHandler refuses a handler's name under which there is nothing at all, so that a
// mistyped one does not look like "no dead letters".
func requireKnownHandler(q *request, f engine.Filter, matched int) error {
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
	return apiErrorf(http.StatusNotFound, "there is no handler %q, nor a dead letter of one: there are %s",
		f.Handler, names)
}

// checkAll refuses a request about everything that does not say so: a filter that got
// lost on the way must not mean everything.
func checkAll(f engine.Filter, all bool, say string) error {
	switch {
	case isEmpty(f) && !all:
		return apiErrorf(http.StatusBadRequest, "there is no filter: give one, or say %s", say)
	case !isEmpty(f) && all:
		return apiErrorf(http.StatusBadRequest, "there are a filter and %s: give one of them", say)
	default:
		return nil
	}
}

func viewDeadLetterCount(c engine.DeadLetterCount) api.DeadLetterCount {
	v := api.DeadLetterCount{Matched: c.Total, ByHandler: c.ByHandler, ByReason: make(map[string]int, len(c.ByReason))}
	for reason, n := range c.ByReason {
		v.ByReason[string(reason)] = n
	}
	return v
}

func viewDeadLetter(l *buffer.DeadLetter) api.DeadLetter {
	return api.DeadLetter{
		ID: string(l.ID), Handler: l.Handler, Reason: string(l.Reason), HandlerReason: l.HandlerReason,
		RetryState: viewRetry(l.Retry), DiedAt: l.DiedAt.UTC(), Event: viewEvent(&l.Event),
	}
}
