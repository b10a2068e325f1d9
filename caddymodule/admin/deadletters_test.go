package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// memoryOpener opens a disk buffer on a file system in memory.
type memoryOpener struct{ fs vfs.FS }

func (memoryOpener) Key() string { return "memory" }

func (o memoryOpener) Open(ctx context.Context, host buffer.Host) (buffer.Buffer, error) {
	return disk.Open(ctx, disk.Options{Path: "buffer", FS: o.fs, Log: host.Log})
}

func (memoryOpener) Reconfigure(buffer.Buffer) error { return nil }

func (memoryOpener) Limits() buffer.Limits { return buffer.Limits{} }

// newDeadLetters is the admin API of an engine with so many dead letters.
func newDeadLetters(t *testing.T, n int) *API {
	t.Helper()
	e := engine.New(engine.Options{
		Opener: memoryOpener{vfs.NewMem()}, RuntimeDir: t.TempDir(), DrainTimeout: time.Second, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() {
		if err := e.Destruct(); err != nil {
			t.Error(err)
		}
	})
	for i := range n {
		ev := buffer.Event{Source: "s", ID: fmt.Sprint("e-", i), Unreadable: "no JSON", Body: []byte("x")}
		if _, err := e.Append(t.Context(), &ev); err != nil {
			t.Fatal(err)
		}
	}
	return newAPI(func() (app.Running, error) {
		return app.Running{Engine: e, Traffic: new(traffic.Counters), DeadLetters: new(status.DeadLetterWatch)}, nil
	})
}

// ask calls the API as Caddy's admin endpoint does.
func (a *API) ask(t *testing.T, method, target string, answer any) int {
	t.Helper()
	mux := http.NewServeMux()
	status := 0
	for _, route := range a.Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := route.Handler.ServeHTTP(w, r); err != nil {
				api, ok := errors.AsType[caddy.APIError](err)
				if !ok {
					t.Errorf("%s %s: %v", method, target, err)
				}
				status = api.HTTPStatus
			}
		})
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	if status != 0 {
		return status
	}
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
		t.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	return w.Code
}

// Asking what would be dropped drops nothing, and dropping everything has to be said.
func TestDryRunDropsNothing(t *testing.T) {
	a := newDeadLetters(t, 3)
	stored := func() int {
		t.Helper()
		var list api.DeadLetterPage
		if status := a.ask(t, http.MethodGet, "/smartcar/dead-letters", &list); status != http.StatusOK {
			t.Fatalf("listing: status %d", status)
		}
		return len(list.Items)
	}
	for _, query := range []string{"", "?dry_run=true", "?dry_run=false", "?all=true&reason=unreadable"} {
		if status := a.ask(t, http.MethodDelete, "/smartcar/dead-letters"+query, nil); status != http.StatusBadRequest || stored() != 3 {
			t.Errorf("DELETE with %q: status %d, %d of 3 are left", query, status, stored())
		}
	}
	for _, query := range []string{"all=true", "reason=unreadable"} {
		var count api.DeadLetterCount
		status := a.ask(t, http.MethodDelete, "/smartcar/dead-letters?dry_run=true&"+query, &count)
		if status != http.StatusOK || !count.DryRun || count.Matched != 3 || count.Dropped != 0 || stored() != 3 {
			t.Errorf("dry run with %q: status %d, %+v, %d of 3 are left", query, status, count, stored())
		}
	}
	var count api.DeadLetterCount
	if status := a.ask(t, http.MethodDelete, "/smartcar/dead-letters?reason=unreadable", &count); status != http.StatusOK || count.Dropped != 3 || stored() != 0 {
		t.Errorf("status %d, %+v, %d are left", status, count, stored())
	}
}
