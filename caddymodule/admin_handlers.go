package caddymodule

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// longestDrain bounds how long the drain of a handler is waited for; the pause stays.
const longestDrain = 5 * time.Minute

// orderHandler does something to a handler and answers with how it then stands.
func (q *adminRequest) orderHandler(do func(q *adminRequest, name string) error) (any, error) {
	name := q.PathValue("name")
	if err := mustBeHandler(q, name); err != nil {
		return nil, err
	}
	if err := do(q, name); err != nil {
		return nil, err
	}
	now := time.Now()
	handlers := q.engine.Status(q.Context()).Handlers
	i := slices.IndexFunc(handlers, func(h engine.HandlerStatus) bool { return h.Name == name })
	if i < 0 {
		return nil, apiErrorf(http.StatusNotFound, "handler %q has been removed meanwhile", name)
	}
	return viewHandler(now, &handlers[i]), nil
}

// mustBeHandler refuses the name of a handler that is not in force, with those that are.
func mustBeHandler(q *adminRequest, name string) error {
	s := q.engine.Status(q.Context())
	names := make([]string, 0, len(s.Handlers))
	for i := range s.Handlers {
		names = append(names, s.Handlers[i].Name)
	}
	if slices.Contains(names, name) {
		return nil
	}
	for _, c := range s.Removed {
		if c.Name == name {
			return apiErrorf(http.StatusConflict, "handler %q is in no handlers file any more: put it back there first, or forget it", name)
		}
	}
	if len(names) == 0 {
		return apiErrorf(http.StatusNotFound, "there is no handler %q: the running config has none", name)
	}
	return apiErrorf(http.StatusNotFound, "there is no handler %q: there are %s", name, strings.Join(names, ", "))
}

func pauseHandler(q *adminRequest, name string) error { return q.engine.Pause(q.Context(), name) }

func resumeHandler(q *adminRequest, name string) error { return q.engine.Resume(q.Context(), name) }

// drainHandler waits as long as the client does. That a delivery takes longer is no
// error of the pause, which is in force.
func drainHandler(q *adminRequest, name string) error {
	ctx, cancel := context.WithTimeout(q.Context(), longestDrain)
	defer cancel()
	err := q.engine.Drain(ctx, name)
	if err != nil && ctx.Err() != nil {
		return apiErrorf(http.StatusConflict, "%w: it stays paused", err)
	}
	return err
}

// forgetHandler lets go of what is kept for a handler that is in no handlers file.
func forgetHandler(q *adminRequest) (any, error) {
	name := q.PathValue("name")
	if err := q.engine.Forget(q.Context(), name); err != nil {
		return nil, err
	}
	return forgottenView{Forgotten: name}, nil
}
