package sdk

import (
	"context"
	"io"
	"log/slog"
	"strings"
)

// The names and the time layout by which the host knows a log record on a
// plugin's stderr; they are hclog's.
const (
	logTimeKey    = "@timestamp"
	logLevelKey   = "@level"
	logMessageKey = "@message"
	logTimeLayout = "2006-01-02T15:04:05.000000Z07:00"
)

// jsonLog writes records as lines of JSON in hclog's form.
type jsonLog struct {
	inner slog.Handler
	// nested: within a group, where no name can clash.
	nested bool
}

// newJSONLog logs everything from debug upwards: the host decides what is shown.
func newJSONLog(w io.Writer) *slog.Logger {
	return slog.New(jsonLog{inner: slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level:       slog.LevelDebug,
		ReplaceAttr: hclogForm,
	})})
}

// hclogForm renames what slog itself adds; jsonLog has kept those names free.
func hclogForm(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.String(logTimeKey, a.Value.Time().Format(logTimeLayout))
	case slog.LevelKey:
		level, _ := a.Value.Any().(slog.Level)
		return slog.String(logLevelKey, levelName(level))
	case slog.MessageKey:
		return slog.String(logMessageKey, a.Value.String())
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
func (j jsonLog) Enabled(ctx context.Context, l slog.Level) bool { return j.inner.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (j jsonLog) Handle(ctx context.Context, r slog.Record) error {
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
func (j jsonLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !j.nested {
		freed := make([]slog.Attr, 0, len(attrs))
		for _, a := range attrs {
			freed = append(freed, free(a))
		}
		attrs = freed
	}
	return jsonLog{inner: j.inner.WithAttrs(attrs), nested: j.nested}
}

// WithGroup implements slog.Handler.
func (j jsonLog) WithGroup(name string) slog.Handler {
	if name == "" {
		return j
	}
	return jsonLog{inner: j.inner.WithGroup(name), nested: true}
}

// free renames an attribute whose name belongs to the record itself.
func free(a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey || strings.HasPrefix(a.Key, "@") {
		a.Key = "attr_" + strings.TrimPrefix(a.Key, "@")
	}
	return a
}
