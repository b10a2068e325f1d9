package engine

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// choosyPlugin wants some types only.
type choosyPlugin struct {
	stuckPlugin
	wants []string
}

func (p *choosyPlugin) Wants(eventType string) bool {
	return len(p.wants) == 0 || slices.Contains(p.wants, eventType)
}

// statesOnly is a block whose when fits no error.
func statesOnly(name string) string {
	return strings.Replace(handler(name, ""), "{\n", "{\n  when = event.type == \"VEHICLE_STATE\"\n", 1)
}

func TestUntakenErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		handlers string
		wants    []string
		mistake  error
		pause    bool
		// before and after the buffer opens, of the sources a and b.
		before, after []string
	}{
		"no handler":            {},
		"takes all":             {handlers: handler("h", "")},
		"states only":           {handlers: statesOnly("h"), before: []string{"a", "b"}, after: []string{"a", "b"}},
		"a plugin for states":   {handlers: handler("h", ""), wants: []string{"VEHICLE_STATE"}, after: []string{"a", "b"}},
		"a plugin for errors":   {handlers: handler("h", ""), wants: []string{"VEHICLE_ERROR"}},
		"a paused one takes":    {handlers: statesOnly("h") + handler("i", ""), pause: true},
		"a mistake in the file": {mistake: errors.New("a brace is missing")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				emptyPools()
				t.Cleanup(emptyPools)
				var opens atomic.Bool
				r := &rig{t: t, dir: t.TempDir(), log: new(logBuffer)}
				r.e = New(Options{
					Opener: &diskOpener{options: disk.Options{Path: "/smartcar", FS: vfs.NewMem()}, fail: func() error {
						if opens.Load() {
							return nil
						}
						return errors.New("no such disk")
					}},
					Bundled:   func(string) (string, []string, bool) { return "choosy", nil, true },
					NewPlugin: func(pluginhost.Spec) Plugin { return &choosyPlugin{wants: tc.wants} },
					Log:       slog.New(slog.NewTextHandler(r.log, nil)),
				})
				t.Cleanup(func() { _ = r.e.Destruct() })
				is := func(when string, want []string) {
					t.Helper()
					if got := r.e.Untaken("VEHICLE_ERROR", []string{"a", "b"}); !slices.Equal(got, want) {
						t.Errorf("%s: %q, want %q", when, got, want)
					}
				}
				is("nothing is applied", nil)
				r.applyWhenOpen("one", tc.mistake, r.defs(tc.handlers)...)
				synctest.Wait()
				is("the buffer does not open", tc.before)
				opens.Store(true)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if tc.pause {
					if err := r.e.Pause(t.Context(), "i"); err != nil {
						t.Fatal(err)
					}
				}
				is("the buffer is open", tc.after)
			})
		})
	}
}
