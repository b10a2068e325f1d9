package receiver

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

func isWrite(op errorfs.Op) bool { return op.Kind == errorfs.OpFileWrite }

func isSync(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
}

// storeTimeout is enough for a busy machine, and what a sender waits for at least on a disk
// that hangs.
const storeTimeout = 2 * time.Second

// Whatever the disk does, no sender gets a 200 for what is not safe, none waits longer than
// store_timeout, and where that is safe events are taken again without a restart.
func TestReceiverOnAFailingDisk(t *testing.T) {
	for _, test := range []struct {
		name    string
		strikes func(errorfs.Op) bool
		err     error // nil: it hangs
		// first is what the sender gets whose event is on its way when it strikes, later the others.
		first, later *refusal
		recovers     bool
	}{
		{"a write fails", isWrite, syscall.EIO, refuseHalted, refuseHalted, false},
		{"a sync fails", isSync, syscall.EIO, refuseHalted, refuseHalted, false},
		{"the disk is read-only", isWrite, syscall.EROFS, refuseHalted, refuseHalted, false},
		{"the disk is full", isWrite, syscall.ENOSPC, refuseTimeout, refuseFull, true},
		{"the disk is full at a sync", isSync, syscall.ENOSPC, refuseFull, refuseFull, false},
		{"a sync takes long", isSync, nil, refuseTimeout, refuseTimeout, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var on atomic.Bool
			well := make(chan struct{})
			mem := vfs.NewMem()
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if !on.Load() || !strings.HasSuffix(op.Path, ".events") || !test.strikes(op) {
					return nil
				}
				if test.err == nil {
					<-well
				}
				return test.err
			}))
			b, err := disk.Open(t.Context(), disk.Options{Path: "buffer", FS: fs, Limits: disk.Limits{Headroom: 1}})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			rc, _ := newReceiver(t, b.Append, func(rc *Receiver) { rc.StoreTimeout = caddy.Duration(storeTimeout) })
			s := &sender{t: t, rc: rc}
			s.wants(nil, "sound", 20)
			on.Store(true)
			s.wants(test.first, "first", 1)
			s.wants(test.later, "later", 20)
			on.Store(false)
			close(well)
			if test.recovers {
				s.awaits("again")
				// What was refused may have been stored; sent again it is stored once.
				s.wants(nil, "first", 1)
				s.wants(nil, "later", 20)
			} else {
				s.wants(test.later, "again", 20)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			s.checkAll(mem)
		})
	}
}

// sender sends signed events side by side and remembers which were answered with 200.
type sender struct {
	t     *testing.T
	rc    *Receiver
	acked sync.Map
}

func (s *sender) send(id string) *httptest.ResponseRecorder {
	body := string(smartcar.Sample{EventID: id}.VehicleState())
	w := httptest.NewRecorder()
	if err := s.rc.ServeHTTP(w, request(body, tokenA), nil); err != nil {
		s.t.Error(err)
	}
	if w.Code == http.StatusOK {
		s.acked.Store(id, true)
	}
	return w
}

// wants sends n events, each of which must get this refusal, or 200 for nil.
func (s *sender) wants(f *refusal, prefix string, n int) {
	s.t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			begun := time.Now()
			w := s.send(fmt.Sprintf("%s-%d", prefix, i))
			if took := time.Since(begun); took > 5*storeTimeout {
				s.t.Errorf("%s: the answer took %v", prefix, took)
			}
			switch {
			case f == nil && w.Code != http.StatusOK:
				s.t.Errorf("%s: %d %s, want 200", prefix, w.Code, w.Body)
			case f != nil && (w.Code != f.status || !strings.Contains(w.Body.String(), `"`+f.code+`"`) || w.Header().Get("Retry-After") == ""):
				s.t.Errorf("%s: %d %s, Retry-After %q; want %d %s", prefix, w.Code, w.Body, w.Header().Get("Retry-After"), f.status, f.code)
			}
		})
	}
	all.Wait()
}

// awaits sends until an event is stored.
func (s *sender) awaits(id string) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for s.send(id).Code != http.StatusOK {
		if time.Now().After(deadline) {
			s.t.Fatal("no event is taken again")
		}
	}
}

// checkAll looks for every event that was answered with 200, as a restart finds it.
func (s *sender) checkAll(fs vfs.FS) {
	s.t.Helper()
	b, err := disk.Open(s.t.Context(), disk.Options{Path: "buffer", FS: fs, Limits: disk.Limits{Headroom: 1}})
	if err != nil {
		s.t.Fatal(err)
	}
	defer b.Close()
	for id := range s.acked.Range {
		position, err := b.Lookup(s.t.Context(), "test", id.(string))
		if err != nil {
			s.t.Errorf("%s was answered with 200 and is lost: %v", id, err)
			continue
		}
		e, err := b.Event(s.t.Context(), position)
		if err != nil || string(e.Body) != string(smartcar.Sample{EventID: id.(string)}.VehicleState()) {
			s.t.Errorf("%s was answered with 200 and is not what was sent: %v", id, err)
		}
	}
}
