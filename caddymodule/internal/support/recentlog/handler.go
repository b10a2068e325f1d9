package recentlog

import (
	"context"
	"log/slog"
	"slices"
)

// handler writes to the log as before, and has the Log keep lines.
type handler struct {
	next   slog.Handler
	log    *Log
	logger string
	// attrs are those of With, as they are kept, and groups those of WithGroup.
	attrs  []slog.Attr
	groups []string
}

// Handler returns one that hands everything on to next, and has the Log keep what is of a level of INFO or above. What
// warns is kept even where next does not want it; else a line that next does not want costs what it did. logger is the
// name that lines get.
func (l *Log) Handler(next slog.Handler, logger string) slog.Handler {
	return &handler{next: next, log: l, logger: logger}
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if k, ok := h.kindOf(&r); ok {
		h.log.add(k, line{at: r.Time, text: h.render(&r, k)})
	}
	if r.Level >= slog.LevelWarn && !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// kindOf sorts a line; false: it is not kept. The lines of each event at INFO are not, nor what plugins print at INFO.
func (h *handler) kindOf(r *slog.Record) (k kind, ok bool) {
	if r.Level < slog.LevelInfo {
		return 0, false
	}
	k, special := h.ofKeys(r)
	switch {
	case special:
		return k, r.Level >= slog.LevelWarn
	case r.Level < slog.LevelWarn:
		return news, true
	default:
		return warning, true
	}
}

// ofKeys tells by the first attribute whether a line is of an event or what a plugin printed: such lines begin with it.
func (h *handler) ofKeys(r *slog.Record) (k kind, special bool) {
	look := func(a slog.Attr) bool {
		switch a.Key {
		case keyEvent, keyEventID:
			k, special = ofEvent, true
		case keyStream:
			k, special = printed, true
		}
		return false
	}
	r.Attrs(look)
	for i := 0; i < len(h.attrs) && !special; i++ {
		look(h.attrs[i])
	}
	return k, special
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.next = h.next.WithAttrs(attrs)
	if len(h.groups) == 0 {
		with.attrs = append(slices.Clip(h.attrs), attrs...)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.next = h.next.WithGroup(name)
	with.groups = append(slices.Clip(h.groups), name)
	return &with
}
