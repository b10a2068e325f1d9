package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

func TestNewTouchesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "buffer")
	e := New(Options{Opener: &diskOpener{options: disk.Options{Path: dir}}})
	if s := e.Status(context.Background()); s.Receiving != ReceivingOpening || s.Error != nil {
		t.Errorf("status %+v", s)
	}
	if err := e.Destruct(); err != nil {
		t.Errorf("destruct: %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the buffer's directory is there: %v", err)
	}
	if _, err := e.Append(context.Background(), &buffer.Event{ID: "1"}); !errors.Is(err, buffer.ErrClosed) {
		t.Errorf("append after destruct: %v", err)
	}
	if err := e.Open(context.Background()); !errors.Is(err, buffer.ErrClosed) {
		t.Errorf("open after destruct: %v", err)
	}
	if err := e.Apply(context.Background(), "one", nil); !errors.Is(err, buffer.ErrClosed) {
		t.Errorf("apply after destruct: %v", err)
	}
}

func TestFailedOpenIsTriedAgainOnceASecond(t *testing.T) {
	// The store pools objects with channels, and a channel must not leave its bubble.
	// Two collections empty every sync.Pool.
	emptyPools := func() { runtime.GC(); runtime.GC() }
	emptyPools()
	defer emptyPools()
	synctest.Test(t, func(t *testing.T) {
		attempts, broken := 0, true
		e := New(Options{Opener: &diskOpener{
			options: disk.Options{Path: "/buffer", FS: vfs.NewMem()},
			fail: func() error {
				attempts++
				if broken {
					return errors.New("no such disk")
				}
				return nil
			},
		}})
		appendAll := func() (failed int) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					_, err := e.Append(context.Background(), &buffer.Event{Source: "s", ID: "1"})
					mu.Lock()
					defer mu.Unlock()
					if errors.Is(err, ErrNotOpen) {
						failed++
					} else if err != nil {
						t.Errorf("append: %v", err)
					}
				})
			}
			wg.Wait()
			return failed
		}
		if failed := appendAll(); failed != 10 || attempts != 1 {
			t.Errorf("%d appends failed in %d attempts, want 10 in 1", failed, attempts)
		}
		if s := e.Status(context.Background()); s.Receiving != ReceivingFailed || !errors.Is(s.Error, ErrNotOpen) {
			t.Errorf("status %+v", s)
		}
		<-time.After(999 * time.Millisecond)
		if failed := appendAll(); failed != 10 || attempts != 1 {
			t.Errorf("within a second: %d appends failed in %d attempts", failed, attempts)
		}
		broken = false
		<-time.After(2 * time.Millisecond)
		if failed := appendAll(); failed != 0 || attempts != 2 {
			t.Errorf("after a second: %d appends failed in %d attempts, want 0 in 2", failed, attempts)
		}
		if s := e.Status(context.Background()); s.Receiving != ReceivingOpen || s.Buffer.Last != 1 {
			t.Errorf("status %+v", s)
		}
		if err := e.Destruct(); err != nil {
			t.Errorf("destruct: %v", err)
		}
		if _, err := e.Append(context.Background(), &buffer.Event{ID: "2"}); !errors.Is(err, buffer.ErrClosed) {
			t.Errorf("append after destruct: %v", err)
		}
	})
}

func TestReconfigure(t *testing.T) {
	dir := t.TempDir()
	e := New(Options{Opener: &diskOpener{options: disk.Options{Path: dir}}})
	defer e.Destruct()
	if err := e.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	tight := &diskOpener{options: disk.Options{Path: dir, Limits: disk.Limits{Headroom: 1 << 62}}}
	if err := e.Reconfigure(tight); err != nil {
		t.Fatal(err)
	}
	if err := e.Reconfigure(&diskOpener{options: disk.Options{Path: dir + "x"}}); err == nil {
		t.Error("another buffer's opener was taken")
	}
}

func TestDestructIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, 100*time.Millisecond)
	r.apply("one", r.defs(handler("stuck", "hang = true")+handler("well", "")))
	stuck := r.pid("stuck")
	r.append("v:1")
	r.settled("well")
	r.eventually("the event is in flight", func() bool { return r.status("stuck").Dispatch.InFlight == 1 })
	err := r.e.Destruct() // for its time, see stoptime_test.go
	t.Logf("destruct: %v", err)
	if alive(stuck) {
		t.Error("the plugin's process is still there")
	}
	if s := r.e.Status(context.Background()); s.Receiving != ReceivingClosed || len(s.Handlers) != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestEventsThatWereCutOffComeAgainAfterARestart(t *testing.T) {
	r := newRig(t, 100*time.Millisecond)
	r.apply("one", r.defs(handler("h", "hang = true")))
	r.append("v:1", "v:2")
	r.eventually("the event is in flight", func() bool { return r.status("h").Dispatch.InFlight == 1 })
	_ = r.e.Destruct()

	again := New(r.e.opts)
	defer again.Destruct()
	r.e = again
	r.apply("two", r.defs(handler("h", "")))
	r.settled("h")
	lines := r.lines()
	if len(lines) != 2 || lines[0].event != "v:1" || lines[1].event != "v:2" || lines[0].attempt != 1 {
		t.Errorf("deliveries %v", lines)
	}
}
