//go:build !race

package receiver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// allocBudget is how many allocations an event may cost from the first look at its request to the
// 200, the buffer's included: what the placeholders tell after the handler has returned (3) and the
// strings of the envelope (1).
const allocBudget = 4

// The processor time of a request goes up with each allocation, and nobody sees one more come
// in. Raise the budget only for something that is worth it.
func TestAllocationsOfAnEvent(t *testing.T) {
	t.Run("plain", func(t *testing.T) { testAllocations(t, nil) })
	t.Run("with max_age", func(t *testing.T) { testAllocations(t, &MaxAge{Mode: maxAgeRefuse, Limit: caddy.Duration(sixDays)}) })
}

func testAllocations(t *testing.T, m *MaxAge) {
	t.Helper()
	b, err := disk.Open(t.Context(), disk.Options{Path: "buffer", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	rc, _ := newReceiver(t, b.Append, func(rc *Receiver) { rc.MaxAge = m })
	if m.on() {
		rc.age = &ageLimit{limit: rc.maxAge(), refuses: m.refuses(), events: diskEvents{b}, now: func() time.Time { return noon.AddDate(0, -2, 0) }}
	}
	rc.log = slog.New(slog.DiscardHandler)

	const runs = 2000
	requests := make([]*http.Request, runs+1)
	for i := range requests {
		body := smartcar.Sample{EventID: fmt.Sprint("event-", i), Mode: smartcar.ModeLive, Size: 2048}.VehicleState()
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("SC-Signature", smartcar.Sign(tokenA, body))
		requests[i] = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
	}
	w := &plainWriter{header: make(http.Header)}
	next := 0
	allocs := testing.AllocsPerRun(runs, func() {
		r := requests[next]
		next++
		if err := rc.ServeHTTP(w, r, nil); err != nil || w.status != http.StatusOK {
			t.Fatalf("%v, status %d", err, w.status)
		}
	})
	if s := b.Stats(); s.Appended != runs+1 {
		t.Fatalf("%d events are stored, want %d", s.Appended, runs+1)
	}
	if allocs > allocBudget {
		t.Errorf("an event costs %v allocations, %d are allowed", allocs, allocBudget)
	}
	t.Logf("%v allocations for an event", allocs)
}

// plainWriter allocates nothing.
type plainWriter struct {
	header http.Header
	status int
}

func (w *plainWriter) Header() http.Header { return w.header }

func (w *plainWriter) WriteHeader(status int) { w.status = status }

func (w *plainWriter) Write(p []byte) (int, error) { return len(p), nil }
