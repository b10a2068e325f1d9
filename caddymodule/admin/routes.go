package admin

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

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// route is one address of the admin API.
type route struct {
	Pattern string
	Methods map[string]method
}

// method is what one HTTP method does there.
type method struct {
	// Params are the query parameters that it knows.
	Params []string
	serve  func(q *request) (any, error)
}

// request is one request, with what it is about.
type request struct {
	*http.Request
	query params
	app.Running
	// explaining is that of the API.
	explaining chan struct{}
}

// routes are all addresses, in the order of the documentation.
func routes() []route {
	handler := func(paused bool, do func(q *request, name string) error) map[string]method {
		return post(func(q *request) (any, error) { return q.runHandlerAction(handlerAction{do, paused}) })
	}
	return []route{
		{api.Prefix + "status", get(nil, serveStatus)},
		{api.Prefix + "attention", get(nil, serveAttention)},
		{api.Prefix + "attention/test", post(testAttention)},
		{api.Prefix + "events", get(with(eventParams, pageParams, "newest", "id"), serveEvents)},
		{api.Prefix + "events/{position}", get(nil, serveEvent)},
		{api.Prefix + "dead-letters", both(
			get(with(deadLetterParams, pageParams), serveDeadLetters),
			del(with(deadLetterParams, nil, "all", "dry_run"), dropDeadLetters),
		)},
		{api.Prefix + "dead-letters/{id}", both(get(nil, serveDeadLetter), del(nil, dropDeadLetter))},
		{api.Prefix + "dead-letters/replay", post(replayDeadLetters)},
		{api.Prefix + "replays", both(get(nil, serveReplays), post(startReplay))},
		{api.Prefix + "replays/{id}", get(nil, serveReplay)},
		{api.Prefix + "replays/{id}/stop", post(stopReplay)},
		{api.Prefix + "replays/{id}/resume", post(resumeReplay)},
		{api.Prefix + "vehicles", get(with(vehicleParams, pageParams), serveVehicles)},
		{api.Prefix + "vehicles/{id}", both(get(nil, serveVehicle), del(nil, forgetVehicle))},
		{api.Prefix + "signature/explain", post(explainSignature)},
		{api.Prefix + "quarantine", both(
			get(with([]string{"source"}, pageParams), serveQuarantine),
			del([]string{"source", "id", "all", "dry_run"}, removeQuarantined),
		)},
		{api.Prefix + "quarantine/{id}", both(get(nil, serveQuarantined), del([]string{"dry_run"}, removeOneQuarantined))},
		{api.Prefix + "quarantine/release", post(releaseQuarantined)},
		{api.Prefix + "buffer/accept", post(acceptBuffer)},
		{api.Prefix + "damaged/{name}", del([]string{"force"}, removeDamaged)},
		{api.Prefix + "damaged/{name}/recover", map[string]method{http.MethodPost: {[]string{"dry_run"}, recoverDamaged}}},
		{api.Prefix + "handlers/{name}", both(get(nil, serveHandler), del(nil, forgetHandler))},
		{api.Prefix + "handlers/{name}/pause", handler(true, pauseHandler)},
		{api.Prefix + "handlers/{name}/resume", handler(false, resumeHandler)},
		{api.Prefix + "handlers/{name}/drain", handler(true, drainHandler)},
		{api.Prefix + "handlers/{name}/restart", post(restartHandler)},
	}
}

func get(params []string, serve func(*request) (any, error)) map[string]method {
	m := method{params, serve}
	return map[string]method{http.MethodGet: m, http.MethodHead: m}
}

func post(serve func(*request) (any, error)) map[string]method {
	return map[string]method{http.MethodPost: {nil, serve}}
}

func del(params []string, serve func(*request) (any, error)) map[string]method {
	return map[string]method{http.MethodDelete: {params, serve}}
}

func both(a, b map[string]method) map[string]method {
	maps.Copy(a, b)
	return a
}

func with(a, b []string, more ...string) []string { return slices.Concat(a, b, more) }

// handler serves a route: method, app, parameters, then the work itself.
func (a *API) handler(route route) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		method, err := methodOf(route.Methods, w, r)
		if err != nil {
			return err
		}
		query, err := parseParams(r.URL.RawQuery, method.Params)
		if err != nil {
			return err
		}
		running, err := a.running()
		if err != nil {
			return asAPIError(err)
		}
		body, err := method.serve(&request{Request: r, query: query, Running: running, explaining: a.explaining})
		if err != nil {
			return asAPIError(plain(err))
		}
		return writeJSON(w, body)
	})
}

// methodOf returns what a request's method does, or an error with those that there are.
func methodOf(known map[string]method, w http.ResponseWriter, r *http.Request) (method, error) {
	m, ok := known[r.Method]
	if !ok {
		allow := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
		w.Header().Set("Allow", allow)
		return method{}, apiErrorf(http.StatusMethodNotAllowed, "%s is not possible here: use %s", r.Method, allow)
	}
	return m, nil
}

// writeJSON answers with JSON. It is encoded first, so that a failure can still be said.
func writeJSON(w http.ResponseWriter, body any) error {
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
	_, notRestarted := errors.AsType[*engine.NotRestartedError](err)
	_, nothingToAccept := errors.AsType[*engine.NothingToAcceptError](err)
	switch {
	case errors.Is(err, buffer.ErrNotFound), errors.Is(err, app.ErrNotConfigured):
		status = http.StatusNotFound
	case notRestarted, nothingToAccept, errors.Is(err, buffer.ErrInUse), errors.Is(err, replay.ErrTooMany),
		errors.Is(err, dispatch.ErrResumed):
		status = http.StatusConflict
	case errors.Is(err, app.ErrStarting), errors.Is(err, engine.ErrNotOpen), errors.Is(err, buffer.ErrClosed),
		errors.Is(err, buffer.ErrHalted), errors.Is(err, buffer.ErrFull), errors.Is(err, replay.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		status = http.StatusServiceUnavailable
	}
	return caddy.APIError{HTTPStatus: status, Err: err}
}

// unknownPath says what there is.
func unknownPath(_ http.ResponseWriter, r *http.Request) error {
	var known []string
	for _, route := range healthRoutes() {
		known = append(known, route.Pattern)
	}
	for _, route := range routes() {
		known = append(known, route.Pattern)
	}
	return apiErrorf(http.StatusNotFound, "there is nothing at %s: there are %s", r.URL.Path, strings.Join(known, ", "))
}
