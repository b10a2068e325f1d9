package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

// longestDrain bounds how long the drain of a handler is waited for; the pause stays.
const longestDrain = 5 * time.Minute

// runHandlerAction does something to a handler and answers with how it then stands.
func (q *request) runHandlerAction(o handlerAction) (any, error) {
	name := q.PathValue("name")
	if err := requireHandler(q, name); err != nil {
		return nil, err
	}
	if err := o.do(q, name); err != nil {
		return nil, err
	}
	h, err := q.awaitAction(name, o.paused)
	if err != nil {
		return nil, err
	}
	return status.Handler(time.Now(), h), nil
}

// handlerAction is something that is done to a handler, and whether it is paused then.
type handlerAction struct {
	do     func(q *request, name string) error
	paused bool
}

const (
	// actionTimeout is how long an action may take to be seen in the handler's figures, which
	// are asked for every actionPoll.
	actionTimeout = time.Second
	actionPoll    = 5 * time.Millisecond
)

// awaitAction is the handler as it stands after an action: what delivers publishes its
// figures a moment later.
func (q *request) awaitAction(name string, paused bool) (*engine.HandlerStatus, error) {
	look := time.NewTicker(actionPoll)
	defer look.Stop()
	late := time.NewTimer(actionTimeout)
	defer late.Stop()
	for {
		h, err := q.handler(name)
		if err != nil {
			return nil, err
		}
		if h.PausedSince.IsZero() != paused && h.Dispatch.Paused == paused {
			return h, nil
		}
		select {
		case <-look.C:
			continue
		case <-q.Context().Done():
		case <-late.C:
		}
		return assumeDone(h, paused), nil
	}
}

// assumeDone lets a handler's figures say what was ordered: it is in force.
func assumeDone(h *engine.HandlerStatus, paused bool) *engine.HandlerStatus {
	h.Dispatch.Paused = paused
	if !paused {
		h.PausedSince = time.Time{}
	}
	return h
}

// requireHandler refuses the name of a handler that is not in force, with those that are.
func requireHandler(q *request, name string) error {
	s := q.Engine.Status(q.Context())
	names := make([]string, 0, len(s.Handlers))
	for i := range s.Handlers {
		names = append(names, s.Handlers[i].Name)
	}
	if slices.Contains(names, name) {
		return nil
	}
	return handlerNotFound(s.Removed, names, name)
}

// handlerNotFound says what a name is that is none of a handler in force.
func handlerNotFound(others []buffer.ConsumerInfo, names []string, name string) error {
	for i := range others {
		switch {
		case others[i].Name != name:
		case others[i].OrphanedSince.IsZero():
			return errHandlersIdle
		default:
			return apiErrorf(http.StatusConflict,
				"handler %q is in no handlers file any more: put it back there first, or forget it", name)
		}
	}
	if len(names) == 0 {
		return apiErrorf(http.StatusNotFound, "there is no handler %q: the running config has none", name)
	}
	return apiErrorf(http.StatusNotFound, "there is no handler %q: there are %s", name, strings.Join(names, ", "))
}

// handlersIdle reports whether there are handlers that are not at work yet, or no more.
func handlersIdle(q *request) bool {
	others := q.Engine.Status(q.Context()).Removed
	return slices.ContainsFunc(others, func(c buffer.ConsumerInfo) bool { return c.OrphanedSince.IsZero() })
}

var errHandlersIdle = caddy.APIError{
	HTTPStatus: http.StatusServiceUnavailable,
	Err:        errors.New("the handlers are not at work while Caddy is starting or stopping: ask again in a moment"),
}

// serveHandler answers with one handler, as in the status, removed ones included.
func serveHandler(q *request) (any, error) {
	name := q.PathValue("name")
	v := q.Status(q.Context())
	names := make([]string, 0, len(v.Handlers)+len(v.Removed))
	for i := range v.Handlers {
		if v.Handlers[i].Name == name {
			return v.Handlers[i], nil
		}
		names = append(names, v.Handlers[i].Name)
	}
	for i := range v.Removed {
		if v.Removed[i].Name == name {
			return v.Removed[i], nil
		}
		names = append(names, v.Removed[i].Name)
	}
	return nil, handlerNotFound(nil, names, name)
}

func pauseHandler(q *request, name string) error { return q.Engine.Pause(q.Context(), name) }

func resumeHandler(q *request, name string) error { return q.Engine.Resume(q.Context(), name) }

// restartHandler answers with the handler as its new process has it.
func restartHandler(q *request) (any, error) {
	name := q.PathValue("name")
	if err := requireHandler(q, name); err != nil {
		return nil, err
	}
	if err := q.Engine.Restart(q.Context(), name); err != nil {
		return nil, err
	}
	h, err := q.handler(name)
	if err != nil {
		return nil, err
	}
	return status.Handler(time.Now(), h), nil
}

// handler returns a handler in force, after it was found to be.
func (q *request) handler(name string) (*engine.HandlerStatus, error) {
	handlers := q.Engine.Status(q.Context()).Handlers
	i := slices.IndexFunc(handlers, func(h engine.HandlerStatus) bool { return h.Name == name })
	if i < 0 {
		return nil, apiErrorf(http.StatusNotFound, "handler %q has been removed meanwhile", name)
	}
	return &handlers[i], nil
}

// drainHandler waits as long as the client does. That a delivery takes longer is no
// error of the pause, which is in force.
func drainHandler(q *request, name string) error {
	ctx, cancel := context.WithTimeout(q.Context(), longestDrain)
	defer cancel()
	err := q.Engine.Drain(ctx, name)
	if err != nil && ctx.Err() != nil {
		return apiErrorf(http.StatusConflict, "%w: it stays paused", err)
	}
	return err
}

// forgetHandler lets go of what is kept for a handler that is in no handlers file.
func forgetHandler(q *request) (any, error) {
	name := q.PathValue("name")
	s := q.Engine.Status(q.Context())
	if err := checkForget(s, name); err != nil {
		return nil, err
	}
	if err := q.Engine.Forget(q.Context(), name); err != nil {
		return nil, err
	}
	return api.Forgotten{Forgotten: name}, nil
}

// checkForget refuses all but what was removed: while handlers are not applied yet, all of
// them look as if they were gone.
func checkForget(s engine.Status, name string) error {
	var removed []string
	for i := range s.Removed {
		c := &s.Removed[i]
		switch {
		case c.OrphanedSince.IsZero() && c.Name == name:
			return errHandlersIdle
		case c.OrphanedSince.IsZero():
		case c.Name == name:
			return nil
		default:
			removed = append(removed, c.Name)
		}
	}
	if slices.ContainsFunc(s.Handlers, func(h engine.HandlerStatus) bool { return h.Name == name }) {
		return apiErrorf(http.StatusConflict, "handler %q is in force: remove it from the handlers file first", name)
	}
	if len(removed) == 0 {
		return apiErrorf(http.StatusNotFound, "there is no removed handler %q, nor any other", name)
	}
	return apiErrorf(http.StatusNotFound, "there is no removed handler %q: there are %s",
		name, strings.Join(removed, ", "))
}
