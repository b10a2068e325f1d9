package app

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// logSwitch sends the log of something that outlives a config to the logger of the newest
// config: the logs of an older one may be closed already.
type logSwitch struct {
	base atomic.Pointer[slog.Handler]
}

func newLogSwitch(first slog.Handler) *logSwitch {
	s := new(logSwitch)
	s.set(first)
	return s
}

// set makes h the target.
func (s *logSwitch) set(h slog.Handler) { s.base.Store(&h) }

func (s *logSwitch) handler() slog.Handler { return &switchedHandler{to: s} }

// switchedHandler remembers what With and WithGroup were called with, and does it
// again on each new target.
type switchedHandler struct {
	to    *logSwitch
	steps []func(slog.Handler) slog.Handler
	made  atomic.Pointer[madeHandler]
}

type madeHandler struct {
	base    *slog.Handler
	handler slog.Handler
}

func (h *switchedHandler) current() slog.Handler {
	base := h.to.base.Load()
	if made := h.made.Load(); made != nil && made.base == base {
		return made.handler
	}
	handler := *base
	for _, step := range h.steps {
		handler = step(handler)
	}
	h.made.Store(&madeHandler{base: base, handler: handler})
	return handler
}

func (h *switchedHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.current().Enabled(ctx, level)
}

func (h *switchedHandler) Handle(ctx context.Context, record slog.Record) error {
	return h.current().Handle(ctx, record)
}

func (h *switchedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h *switchedHandler) WithGroup(name string) slog.Handler {
	return h.with(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *switchedHandler) with(step func(slog.Handler) slog.Handler) slog.Handler {
	steps := make([]func(slog.Handler) slog.Handler, 0, len(h.steps)+1)
	steps = append(append(steps, h.steps...), step)
	return &switchedHandler{to: h.to, steps: steps}
}
