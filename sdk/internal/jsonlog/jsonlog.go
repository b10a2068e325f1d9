// Package jsonlog writes log records as the host reads them on the stderr of a plugin: lines of JSON in hclog's form.
package jsonlog

import (
	"context"
	"io"
	"log/slog"
	"strings"
)

// hclog's names and its time layout, by which the host recognizes a record.
const (
	timeKey    = "@timestamp"
	levelKey   = "@level"
	messageKey = "@message"
	timeLayout = "2006-01-02T15:04:05.000000Z07:00"
)

// handler keeps the names of a record free of the attributes.
type handler struct {
	inner slog.Handler
	// nested is set within a group, where no name can clash.
	nested bool
}

// New gives a logger that writes everything from debug upwards to w: the host decides what it shows.
func New(w io.Writer) *slog.Logger {
	return slog.New(handler{inner: slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level:       slog.LevelDebug,
		ReplaceAttr: hclogForm,
	})})
}

// hclogForm renames what slog itself adds; handler keeps those names free.
func hclogForm(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.String(timeKey, a.Value.Time().Format(timeLayout))
	case slog.LevelKey:
		level, _ := a.Value.Any().(slog.Level)
		return slog.String(levelKey, levelName(level))
	case slog.MessageKey:
		return slog.String(messageKey, a.Value.String())
	}
	return a
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}

// Enabled implements slog.Handler.
func (j handler) Enabled(ctx context.Context, l slog.Level) bool { return j.inner.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (j handler) Handle(ctx context.Context, r slog.Record) error {
	if j.nested {
		return j.inner.Handle(ctx, r)
	}
	freed := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		freed.AddAttrs(free(a))
		return true
	})
	return j.inner.Handle(ctx, freed)
}

// WithAttrs implements slog.Handler.
func (j handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !j.nested {
		freed := make([]slog.Attr, 0, len(attrs))
		for _, a := range attrs {
			freed = append(freed, free(a))
		}
		attrs = freed
	}
	return handler{inner: j.inner.WithAttrs(attrs), nested: j.nested}
}

// WithGroup implements slog.Handler.
func (j handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return j
	}
	return handler{inner: j.inner.WithGroup(name), nested: true}
}

// free renames an attribute whose name belongs to the record itself.
func free(a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey || strings.HasPrefix(a.Key, "@") {
		a.Key = "attr_" + strings.TrimPrefix(a.Key, "@")
	}
	return a
}
