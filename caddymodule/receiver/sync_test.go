package receiver

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// No sender, of a new event or of a duplicate, gets its 200 before the sync that makes
// the event durable.
func TestAnswersComeAfterTheSync(t *testing.T) {
	var held atomic.Bool
	release, syncing := make(chan struct{}), make(chan struct{})
	var first sync.Once
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		isSync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
		if held.Load() && isSync && strings.HasSuffix(op.Path, ".events") {
			first.Do(func() { close(syncing) })
			<-release
		}
		return nil
	}))
	b, err := disk.Open(t.Context(), disk.Options{Path: "buffer", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	held.Store(true)

	const senders, ids = 110, 100
	var entered sync.WaitGroup
	entered.Add(senders)
	rc, _ := newReceiver(t, func(ctx context.Context, e *buffer.Event) (buffer.Receipt, error) {
		entered.Done()
		return b.Append(ctx, e)
	})
	var answered atomic.Int64
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			body := string(smartcar.Sample{EventID: fmt.Sprint("event-", i%ids)}.VehicleState())
			w := httptest.NewRecorder()
			if err := rc.ServeHTTP(w, request(body, tokenA), nil); err != nil || w.Code != http.StatusOK {
				t.Errorf("sender %d: %v, status %d", i, err, w.Code)
			}
			answered.Add(1)
		})
	}
	entered.Wait()
	<-syncing
	if n := answered.Load(); n != 0 {
		t.Errorf("%d answers before the sync", n)
	}
	close(release)
	all.Wait()
	if s := b.Stats(); s.Appended != ids || s.Duplicates != senders-ids {
		t.Errorf("%d stored and %d duplicates, want %d and %d", s.Appended, s.Duplicates, ids, senders-ids)
	}
}
