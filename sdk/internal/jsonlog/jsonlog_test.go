package jsonlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONLog(t *testing.T) {
	tests := map[string]struct {
		log  func(*slog.Logger)
		want map[string]any
	}{
		"plain": {
			func(l *slog.Logger) { l.Info("hello", "n", 1, "error", errors.New("broken")) },
			map[string]any{"@level": "info", "@message": "hello", "n": 1.0, "error": "broken"},
		},
		"debug": {
			func(l *slog.Logger) { l.Debug("x") }, map[string]any{"@level": "debug", "@message": "x"},
		},
		"levels between": {
			func(l *slog.Logger) { l.Log(t.Context(), slog.LevelError+2, "x") }, map[string]any{"@level": "error", "@message": "x"},
		},
		"names that belong to the record": {
			func(l *slog.Logger) {
				l.With("time", "a", "@message", "b").Warn("x", "level", "c", "msg", "d", "@module", "e")
			},
			map[string]any{
				"@level": "warn", "@message": "x", "attr_time": "a", "attr_message": "b",
				"attr_level": "c", "attr_msg": "d", "attr_module": "e",
			},
		},
		"groups": {
			func(l *slog.Logger) { l.WithGroup("").WithGroup("g").With("msg", "a").Info("x", "level", "b") },
			map[string]any{"@level": "info", "@message": "x", "g": map[string]any{"msg": "a", "level": "b"}},
		},
		"several lines": {
			func(l *slog.Logger) { l.Info("a\nb\x00\xff") }, map[string]any{"@level": "info", "@message": "a\nb\x00\ufffd"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			tt.log(New(&out))
			if strings.Count(out.String(), "\n") != 1 {
				t.Errorf("not one line: %q", out.String())
			}
			var got map[string]any
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if at, _ := got["@timestamp"].(string); at == "" {
				t.Error("no timestamp")
			}
			delete(got, "@timestamp")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
