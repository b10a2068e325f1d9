package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

const adminPrefix = "/smartcar/"

// adminRoute is one address of the admin API.
type adminRoute struct {
	pattern string
	methods map[string]adminMethod
}

// adminMethod is what one HTTP method does there.
type adminMethod struct {
	// params are the query parameters that it knows.
	params []string
	serve  func(q *adminRequest) (any, error)
}

// adminRequest is one request, with what it is about.
type adminRequest struct {
	*http.Request
	query  params
	Running
}

// adminRoutes are all addresses, in the order of the documentation.
func adminRoutes() []adminRoute {
	handler := func(paused bool, do func(q *adminRequest, name string) error) map[string]adminMethod {
		return post(func(q *adminRequest) (any, error) { return q.orderHandler(handlerOrder{do, paused}) })
	}
	return []adminRoute{
		{adminPrefix + "status", get(nil, serveStatus)},
		{adminPrefix + "events", get(with(eventParams, pageParams, "newest", "id"), serveEvents)},
		{adminPrefix + "events/{position}", get(nil, serveEvent)},
		{adminPrefix + "dead-letters", both(
			get(with(letterParams, pageParams), serveLetters),
			del(with(letterParams, nil, "all", "dry_run"), dropLetters),
		)},
		{adminPrefix + "dead-letters/{id}", both(get(nil, serveLetter), del(nil, dropLetter))},
		{adminPrefix + "dead-letters/replay", post(replayLetters)},
		{adminPrefix + "replays", both(get(nil, serveReplays), post(startReplay))},
		{adminPrefix + "replays/{id}", get(nil, serveReplay)},
		{adminPrefix + "replays/{id}/stop", post(stopReplay)},
		{adminPrefix + "replays/{id}/resume", post(resumeReplay)},
		{adminPrefix + "handlers/{name}", both(get(nil, serveHandler), del(nil, forgetHandler))},
		{adminPrefix + "handlers/{name}/pause", handler(true, pauseHandler)},
		{adminPrefix + "handlers/{name}/resume", handler(false, resumeHandler)},
		{adminPrefix + "handlers/{name}/drain", handler(true, drainHandler)},
	}
}

func get(params []string, serve func(*adminRequest) (any, error)) map[string]adminMethod {
	m := adminMethod{params, serve}
	return map[string]adminMethod{http.MethodGet: m, http.MethodHead: m}
}

func post(serve func(*adminRequest) (any, error)) map[string]adminMethod {
	return map[string]adminMethod{http.MethodPost: {nil, serve}}
}

func del(params []string, serve func(*adminRequest) (any, error)) map[string]adminMethod {
	return map[string]adminMethod{http.MethodDelete: {params, serve}}
}

func both(a, b map[string]adminMethod) map[string]adminMethod {
	maps.Copy(a, b)
	return a
}

func with(a, b []string, more ...string) []string { return slices.Concat(a, b, more) }

// handler serves a route: method, app, parameters, then the work itself.
func (a *AdminAPI) handler(route adminRoute) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		method, ok := route.methods[r.Method]
		if !ok {
			allow := strings.Join(slices.Sorted(maps.Keys(route.methods)), ", ")
			w.Header().Set("Allow", allow)
			return apiErrorf(http.StatusMethodNotAllowed, "%s is not possible here: use %s", r.Method, allow)
		}
		query, err := parseParams(r.URL.RawQuery, method.params)
		if err != nil {
			return err
		}
		running, err := a.running()
		if err != nil {
			return asAPIError(err)
		}
		body, err := method.serve(&adminRequest{Request: r, query: query, Running: running})
		if err != nil {
			return asAPIError(plain(err))
		}
		return writeAdmin(w, body)
	})
}

// writeAdmin answers with JSON. It is encoded first, so that a failure can still be said.
func writeAdmin(w http.ResponseWriter, body any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	_, _ = w.Write(buf.Bytes())
	return nil
}

func apiErrorf(status int, format string, args ...any) caddy.APIError {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// asAPIError gives an error of the engine its status.
func asAPIError(err error) error {
	if api, ok := errors.AsType[caddy.APIError](err); ok {
		return api
	}
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, buffer.ErrNotFound), errors.Is(err, ErrNotConfigured):
		status = http.StatusNotFound
	case errors.Is(err, buffer.ErrInUse), errors.Is(err, replay.ErrTooMany), errors.Is(err, dispatch.ErrResumed):
		status = http.StatusConflict
	case errors.Is(err, ErrStarting), errors.Is(err, engine.ErrNotOpen), errors.Is(err, buffer.ErrClosed),
		errors.Is(err, buffer.ErrSealed), errors.Is(err, buffer.ErrFull), errors.Is(err, replay.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		status = http.StatusServiceUnavailable
	}
	return caddy.APIError{HTTPStatus: status, Err: err}
}

// unknownAdminPath says what there is.
func unknownAdminPath(_ http.ResponseWriter, r *http.Request) error {
	routes := adminRoutes()
	known := make([]string, len(routes))
	for i, route := range routes {
		known[i] = route.pattern
	}
	return apiErrorf(http.StatusNotFound, "there is nothing at %s: there are %s", r.URL.Path, strings.Join(known, ", "))
}
