package engine

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
)

// noted is a real buffer in memory whose notes a test can see, and whose state it can change.
type noted struct {
	*diskOpener
	mu     sync.Mutex
	times  []time.Time
	fails  error
	full   error
	halted error
	jump   time.Duration
}

func (o *noted) LastAlive() (time.Time, error) {
	return disk.LastAlive(o.options.FS, o.options.Path)
}

func (o *noted) Open(ctx context.Context, host buffer.Host) (buffer.Buffer, error) {
	b, err := o.diskOpener.Open(ctx, host)
	if err != nil {
		return nil, err
	}
	return &notedBuffer{AliveNoter: b.(buffer.AliveNoter), o: o}, nil
}

// set changes the state.
func (o *noted) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// notes returns the times that were noted since the last call.
func (o *noted) notes() []time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	times := o.times
	o.times = nil
	return times
}

type notedBuffer struct {
	buffer.AliveNoter
	o *noted
}

func (b *notedBuffer) NoteAlive(at time.Time) error {
	b.o.mu.Lock()
	defer b.o.mu.Unlock()
	if b.o.fails != nil {
		return b.o.fails
	}
	b.o.times = append(b.o.times, at.Round(0))
	return b.AliveNoter.NoteAlive(at)
}

func (b *notedBuffer) Stats() buffer.Stats {
	s := b.AliveNoter.Stats()
	b.o.mu.Lock()
	defer b.o.mu.Unlock()
	s.Full, s.Halted, s.ClockJump.By = b.o.full, b.o.halted, b.o.jump
	return s
}

// aliveRig is an engine in virtual time over such a buffer, with the clock of its process.
type aliveRig struct {
	*rig
	buffer    *noted
	clock     *lossclock.Clock
	listening atomic.Bool
}

func newAliveRig(t *testing.T, open func() error) *aliveRig {
	emptyPools()
	t.Cleanup(emptyPools)
	r := &aliveRig{
		rig:    &rig{t: t, dir: t.TempDir(), log: new(logBuffer)},
		buffer: &noted{diskOpener: &diskOpener{options: disk.Options{Path: "/smartcar", FS: vfs.NewMem()}, fail: open}},
	}
	r.listening.Store(true)
	r.start()
	t.Cleanup(func() { _ = r.e.Destruct() })
	return r
}

// start begins another process.
func (r *aliveRig) start() {
	r.clock = lossclock.New(nil, nil)
	r.e = New(Options{
		Opener: r.buffer, Presence: r.clock, Listening: r.listening.Load,
		Log: slog.New(slog.NewTextHandler(r.log, nil)),
	})
}

func (r *aliveRig) stop() {
	r.t.Helper()
	if err := r.e.Destruct(); err != nil {
		r.t.Fatal(err)
	}
}

// after lets time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *aliveRig) notedAt(what string, want ...time.Time) {
	r.t.Helper()
	for i := range want {
		want[i] = want[i].Round(0)
	}
	if diff := cmp.Diff(want, r.buffer.notes()); diff != "" {
		r.t.Errorf("noted %s: %s", what, diff)
	}
}

// It is noted at once, every few seconds and at the end; not while no event can be taken, or while none comes.
func TestAliveIsNoted(t *testing.T) {
	for name, tc := range map[string]struct {
		on, off func(r *aliveRig)
	}{
		"full": {
			func(r *aliveRig) { r.buffer.set(func() { r.buffer.full = buffer.ErrFull }) },
			func(r *aliveRig) { r.buffer.set(func() { r.buffer.full = nil }) },
		},
		"halted": {
			func(r *aliveRig) { r.buffer.set(func() { r.buffer.halted = buffer.ErrHalted }) },
			func(r *aliveRig) { r.buffer.set(func() { r.buffer.halted = nil }) },
		},
		"no listeners": {
			func(r *aliveRig) { r.listening.Store(false) },
			func(r *aliveRig) { r.listening.Store(true) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newAliveRig(t, nil)
				begun := time.Now()
				at := begun.Add
				r.open()
				after(11 * time.Second)
				r.notedAt("at the start", at(0), at(5*time.Second), at(10*time.Second))
				after(500 * time.Millisecond)
				tc.on(r)
				after(time.Minute)
				r.notedAt("while nothing can be taken")
				tc.off(r)
				after(time.Second)
				r.notedAt("then", at(72*time.Second))
				after(2500 * time.Millisecond)
				r.stop()
				r.notedAt("at the end", at(75*time.Second))
			})
		})
	}
}

// The last note of a process that takes long to end is of the time when requests still came.
func TestLastNoteIsOfTheListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newAliveRig(t, nil)
		begun := time.Now()
		r.open()
		after(3500 * time.Millisecond)
		r.notedAt("at the start", begun)
		r.listening.Store(false)
		after(time.Minute)
		r.stop()
		r.notedAt("at the end", begun.Add(3*time.Second))
	})
}

// A clock that the buffer does not believe gives the next process no time to count from.
func TestJumpIsNotNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newAliveRig(t, nil)
		r.buffer.jump = time.Hour
		r.open()
		after(time.Second)
		r.notedAt("with a jump", time.Time{})
		r.stop()
		r.start()
		r.open()
		after(time.Second)
		if d := r.clock.Downtime(); d.Known || !strings.Contains(d.Unknown, "jumped") {
			t.Errorf("%+v", d)
		}
	})
}

// A note that fails is logged once, and events are taken.
func TestNoteThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newAliveRig(t, nil)
		r.buffer.fails = errors.New("no permission")
		r.open()
		after(time.Minute)
		r.append("1")
		if n := strings.Count(r.log.String(), "no permission"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}

// The clock of the next process learns for how long none could take events, and runs until it can.
func TestDowntimeOfTheNextProcess(t *testing.T) {
	const sec = time.Second
	for name, tc := range map[string]struct {
		down, unopened, full, unheard time.Duration
		lasted, lost                  time.Duration // half a second less, or a second more
		left                          time.Duration // right before it ends
	}{
		"a restart":                  {down: 10 * sec, lasted: 10 * sec},
		"a long one":                 {down: 200 * sec, lasted: 200 * sec, lost: 25 * sec},
		"the buffer does not open":   {down: 10 * sec, unopened: 60 * sec, lasted: 70 * sec, left: 105500 * time.Millisecond},
		"for too long":               {down: 10 * sec, unopened: 200 * sec, lasted: 210 * sec, lost: 35 * sec},
		"the buffer is full":         {down: 10 * sec, full: 60 * sec, lasted: 70 * sec, left: 105500 * time.Millisecond},
		"there are no listeners yet": {down: 10 * sec, unheard: 2 * sec, lasted: 12 * sec, left: 163500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var opens atomic.Bool
				opens.Store(true)
				r := newAliveRig(t, func() error {
					if !opens.Load() {
						return errors.New("no such disk")
					}
					return nil
				})
				r.open()
				after(time.Minute)
				if d := r.clock.Downtime(); d != (lossclock.Downtime{}) {
					t.Errorf("%+v of the first process", d)
				}
				r.stop()
				stopped := time.Now()
				time.Sleep(tc.down)

				opens.Store(tc.unopened == 0)
				r.buffer.set(func() {
					if tc.full > 0 {
						r.buffer.full = buffer.ErrFull
					}
				})
				r.listening.Store(tc.unheard == 0)
				r.start()
				r.applyWhenOpen("one", nil)
				if wait := tc.unopened + tc.full + tc.unheard; wait > 0 {
					after(wait - sec/2)
					if got := r.clock.Source("a").Loss().Left; got != tc.left {
						t.Errorf("%v are left, want %v", got, tc.left)
					}
					opens.Store(true)
					r.listening.Store(true)
					r.buffer.set(func() { r.buffer.full = nil })
					after(sec / 2)
				}
				after(time.Minute)
				d := r.clock.Downtime()
				near := func(got, want time.Duration) bool { return got >= want-sec/2 && got <= want+sec }
				if !d.Known || !d.Since.Equal(stopped) || !near(d.Lasted, tc.lasted) || !near(d.Lost, tc.lost) {
					t.Errorf("%+v, want %v, of which %v are lost", d, tc.lasted, tc.lost)
				}
				if got := r.clock.Source("a").Loss(); got != (lossclock.Loss{Left: lossclock.Window}) {
					t.Errorf("%+v afterwards", got)
				}
			})
		})
	}
}
