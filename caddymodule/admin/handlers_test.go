package admin

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Only what was removed is forgotten: a handler that is not at work yet is not.
func TestCheckForget(t *testing.T) {
	s := engine.Status{
		Handlers: []engine.HandlerStatus{{Name: "crm"}},
		Removed:  []buffer.ConsumerInfo{{Name: "old", OrphanedSince: noon}, {Name: "early"}},
	}
	if err := checkForget(s, "old"); err != nil {
		t.Error(err)
	}
	wantRefusal(t, checkForget(s, "early"), http.StatusServiceUnavailable, "starting or stopping")
	wantRefusal(t, checkForget(s, "crm"), http.StatusConflict, "handlers file")
	wantRefusal(t, checkForget(s, "x"), http.StatusNotFound, "there are old")
	wantRefusal(t, checkForget(engine.Status{}, "x"), http.StatusNotFound, "nor any other")
}

// The answer to an order says what was ordered, even if the figures are late.
func TestAssumeDone(t *testing.T) {
	h := &engine.HandlerStatus{PausedSince: noon}
	h.Plugin.Up, h.Dispatch.Paused = true, true
	if got := status.HandlerState(noon, assumeDone(h, false)); got != "ok" || !h.PausedSince.IsZero() {
		t.Errorf("after a resume it is %s", got)
	}
	if got := status.HandlerState(noon, assumeDone(h, true)); got != "paused" {
		t.Errorf("after a pause it is %s", got)
	}
}
