package pluginhost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// logRecord is one line of a plugin's output, understood as far as it goes.
type logRecord struct {
	level   slog.Level
	message string
	attrs   []slog.Attr
	// plain: not a JSON log line; its level is to be guessed.
	plain bool
	// ending: the message says why the process is about to end.
	ending bool
}

// endingKey marks, with true, the record in which a plugin says why it is about to end: the bundled stdio, whose own exit
// status says nothing of the program that it ran.
const endingKey = "smartcar_ending"

// parseLogLine reads a line of hclog's JSON ("@level", "@message", "@timestamp"),
// of slog's ("level", "msg", "time"), or any text. Nothing about the line is taken
// for granted: a key of the wrong type makes the line text, never an error.
func parseLogLine(line []byte) logRecord {
	plain := logRecord{message: text.CleanLines(string(line)), plain: true}
	if trimmed := bytes.TrimSpace(line); len(trimmed) == 0 || trimmed[0] != '{' {
		return plain
	}
	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if dec.Decode(&fields) != nil || dec.More() {
		return plain
	}
	message, ok := take(fields, "@message", "msg", "message")
	if !ok {
		return plain
	}
	level, _ := take(fields, "@level", "level")
	// The host's own time is put on the line.
	take(fields, "@timestamp", "time", "timestamp")

	rec := logRecord{level: levelOf(level), message: text.CleanLines(message)}
	if rec.ending, ok = fields[endingKey].(bool); ok {
		delete(fields, endingKey)
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		name := text.CleanLines(strings.TrimPrefix(key, "@"))
		rec.attrs = append(rec.attrs, slog.Any(name, plainValue(fields[key])))
	}
	return rec
}

// take removes the first of the keys that is there as a string.
func take(fields map[string]any, keys ...string) (string, bool) {
	for _, key := range keys {
		if s, ok := fields[key].(string); ok {
			delete(fields, key)
			return s, true
		}
	}
	return "", false
}

func levelOf(s string) slog.Level {
	switch strings.ToLower(s) {
	case "trace":
		return slog.LevelDebug - 4
	case "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal", "panic", "critical":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// plainLevel guesses the level of a line of text. A Go panic's trace is an error to
// its last line.
func plainLevel(text string, inPanic bool) (slog.Level, bool) {
	if inPanic || strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") {
		return slog.LevelError, true
	}
	for _, l := range []struct {
		prefix string
		level  slog.Level
	}{{"[TRACE]", slog.LevelDebug - 4}, {"[DEBUG]", slog.LevelDebug}, {"[WARN]", slog.LevelWarn}, {"[ERROR]", slog.LevelError}} {
		if strings.HasPrefix(text, l.prefix) {
			return l.level, false
		}
	}
	return slog.LevelInfo, false
}

// plainValue makes numbers numbers and texts printable; the rest stays as it is.
func plainValue(v any) any {
	switch v := v.(type) {
	case string:
		return text.CleanLines(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	}
	return v
}

// summary is the record in one line of text, for errors.
func (r logRecord) summary() string {
	s := r.message
	for _, a := range r.attrs {
		if a.Key == "error" || a.Key == "err" {
			s += fmt.Sprintf(": %v", a.Value.Any())
		}
	}
	return s
}
