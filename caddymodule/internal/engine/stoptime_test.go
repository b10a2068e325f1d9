package engine

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// stuckPlugin never answers and never ends by itself: Stop has it killed when its time is
// over, as pluginhost does.
type stuckPlugin struct {
	killed atomic.Bool
}

func (p *stuckPlugin) Start(context.Context) error { return nil }
func (p *stuckPlugin) Supervise()                  {}
func (p *stuckPlugin) State() pluginhost.State     { return pluginhost.State{Up: true} }
func (p *stuckPlugin) Ready(context.Context) error { return nil }
func (p *stuckPlugin) MaxBatch() int               { return 1 }
func (p *stuckPlugin) Wants(string) bool           { return true }

func (p *stuckPlugin) Handle(ctx context.Context, _ []dispatch.Delivery) ([]dispatch.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (p *stuckPlugin) Stop(ctx context.Context) error {
	<-ctx.Done()
	p.killed.Store(true)
	return errors.New("it did not finish in time and was killed")
}

// stuckRig is a rig in virtual time, over a buffer in memory and a plugin that is stuck.
func stuckRig(t *testing.T, drain time.Duration) (*rig, *stuckPlugin) {
	emptyPools()
	p := new(stuckPlugin)
	r := &rig{t: t, dir: t.TempDir(), log: new(logBuffer)}
	r.e = New(Options{
		Opener:       &diskOpener{options: disk.Options{Path: "/smartcar", FS: vfs.NewMem()}},
		Bundled:      func(string) (string, []string, bool) { return "stuck", nil, true },
		DrainTimeout: drain,
		NewPlugin:    func(pluginhost.Spec) Plugin { return p },
		Log:          slog.New(slog.NewTextHandler(r.log, nil)),
	})
	t.Cleanup(func() { _ = r.e.Destruct() })
	r.apply("one", r.defs(handler("h", "")))
	return r, p
}

// emptyPools has two collections empty every sync.Pool: the store pools objects with
// channels, and those of a bubble must not be used outside.
func emptyPools() {
	runtime.GC()
	runtime.GC()
}

// The end of the engine is bounded, whatever its plugins do: a delivery in flight has
// DrainTimeout, and all that comes after it a second. A release right before it has no time
// of its own. These times are virtual; stop_test.go has real processes.
func TestTimeOfTheEnd(t *testing.T) {
	const drain = 5 * time.Second
	inFlight := func(r *rig) {
		r.append("v:1")
		synctest.Wait()
		if got := r.status("h").Dispatch.InFlight; got != 1 {
			r.t.Fatalf("%d events in flight, want 1", got)
		}
	}
	release := func(r *rig) { r.e.Release(context.Background(), "one") }
	for _, tt := range []struct {
		name        string
		before      func(*rig) // not timed
		end         func(*rig) // timed, as is Destruct after it
		least, most time.Duration
	}{
		{"nothing in flight", func(*rig) {}, func(*rig) {}, 0, drain + time.Second},
		{"a delivery in flight", inFlight, func(*rig) {}, drain, drain + time.Second},
		{"a release before it", func(*rig) {}, release, 0, drain + time.Second},
		{"a release with a delivery in flight before it", inFlight, release, drain, drain + time.Second},
		{"a release that still drains", func(r *rig) {
			inFlight(r)
			go release(r)
			synctest.Wait()
		}, func(*rig) {}, drain, drain + time.Second},
		{"a release that has nearly drained", func(r *rig) {
			inFlight(r)
			go release(r)
			<-time.After(drain - time.Second)
			synctest.Wait()
		}, func(*rig) {}, time.Second, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer emptyPools()
			synctest.Test(t, func(t *testing.T) {
				r, p := stuckRig(t, drain)
				tt.before(r)
				begun := time.Now()
				tt.end(r)
				err := r.e.Destruct()
				if took := time.Since(begun); took < tt.least || took > tt.most {
					t.Errorf("the end took %s, want %s to %s", took, tt.least, tt.most)
				}
				if !p.killed.Load() {
					t.Error("the plugin was not killed")
				}
				if err == nil && !strings.Contains(r.log.String(), "was killed") {
					t.Error("nothing says that the plugin was killed")
				}
			})
		})
	}
}
