package vehicles

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Settings say what is kept.
type Settings struct {
	// Off: no vehicle is kept, and what was kept is deleted.
	Off bool
	// ForgetAfter is how long nothing must have been heard of a vehicle until it is deleted; default 90 days.
	ForgetAfter time.Duration
	// SilentAfter is how long nothing must have been heard of a vehicle until it counts as silent; default a day.
	SilentAfter time.Duration
	// InForce reports whether the config with these settings is in force, and may delete what it says. One that is still
	// being loaded may be refused, and nothing brings back what is deleted. nil: it is.
	InForce func() bool
}

func (s *Settings) mayDelete() bool { return s.InForce == nil || s.InForce() }

// MayDelete reports whether what is not to be kept any more is deleted now.
func (w *Watch) MayDelete() bool { return w.settings.Load().mayDelete() }

// The defaults of Settings.
const (
	DefaultForgetAfter = 90 * 24 * time.Hour
	DefaultSilentAfter = 24 * time.Hour
)

// WithDefaults returns the settings with their defaults for zero fields.
func (s Settings) WithDefaults() Settings {
	if s.ForgetAfter <= 0 {
		s.ForgetAfter = DefaultForgetAfter
	}
	if s.SilentAfter <= 0 {
		s.SilentAfter = DefaultSilentAfter
	}
	return s
}

// How often what is done.
const (
	writeEvery = 5 * time.Second
	// busyEvery is instead of writeEvery while more is to be read or counted.
	busyEvery = time.Second
	// flushEvery bounds what a crash costs: the events of that time are read from the buffer again.
	flushEvery = 5 * time.Minute
	// reopenAfter is when a store that did not open is tried again.
	reopenAfter = 30 * time.Second
)

// Errors of what is asked.
var (
	// ErrOff: no vehicles are kept.
	ErrOff = errors.New("no vehicles are kept: `vehicles off` says so in the config, or the buffer has no directory")
	// ErrNotReady: they cannot be asked about just now.
	ErrNotReady = errors.New("the vehicles cannot be asked about just now")
	// ErrTooManyForgotten: so many vehicles are to be forgotten that events still have to be read.
	ErrTooManyForgotten = errors.New("too many vehicles were forgotten since the table began to be built: try again later")
)

// Watch notes events and answers questions about vehicles. Its methods are safe for concurrent use.
type Watch struct {
	folder string // "": none can be kept
	fs     vfs.FS // that of the store
	log    *slog.Logger
	now    func() time.Time
	limits limits

	settings atomic.Pointer[Settings]
	// noting: vehicles are noted; counting: errors are counted at least.
	noting, counting atomic.Bool
	notes            notes
	tally            tally
	summary          atomic.Pointer[Summary]

	life  context.Context
	end   context.CancelFunc
	start sync.Once
	ended chan struct{} // closed when the goroutine is gone; nil before it was there

	// turn is held by whoever uses what follows.
	turn   semaphore
	buffer buffer.Buffer
	table  table
	// troubled: the store has failed, and has written nothing away since. The log has a line of that.
	troubled bool
	closed   bool
}

// limits are what tests make smaller.
type limits struct {
	// perSecond bounds the events that are read from the buffer.
	perSecond int
	// bytesPerSecond bounds their bodies.
	bytesPerSecond int
	// vehicles bounds those that are kept.
	vehicles int
	// slice is how many vehicles are counted at a time.
	slice int
	// keepWhenOff is how long what was kept stays when none are to be kept any more.
	keepWhenOff time.Duration
}

var usualLimits = limits{
	perSecond: 5000, bytesPerSecond: 16 << 20, vehicles: 2_000_000, slice: 20_000, keepWhenOff: 15 * time.Second,
}

// semaphore is a mutex that can be waited for as long as a context allows.
type semaphore chan struct{}

func (s semaphore) lock(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotReady, ctx.Err())
	}
}

func (s semaphore) unlock() { <-s }

// New returns a watch over the events of a buffer in a directory; "": the buffer has none, and no vehicles are kept. It
// touches no disk.
func New(dir string, log *slog.Logger) *Watch {
	w := &Watch{fs: vfs.Default, log: log, now: time.Now, limits: usualLimits, turn: make(semaphore, 1)}
	if dir != "" {
		w.folder = filepath.Join(dir, Folder)
	}
	w.notes.wake = make(chan struct{}, 1)
	w.life, w.end = context.WithCancel(context.Background())
	w.Set(Settings{})
	w.summary.Store(&Summary{State: StateOpening})
	return w
}

// Set puts settings in force, within some seconds.
func (w *Watch) Set(s Settings) {
	s = s.WithDefaults()
	w.settings.Store(&s)
	select {
	case w.notes.wake <- struct{}{}:
	default:
	}
}

func (w *Watch) wanted() bool { return w.folder != "" && !w.settings.Load().Off }

// Opened is called once, before the first event is stored in a buffer that was opened.
func (w *Watch) Opened(b buffer.Buffer) {
	w.start.Do(func() {
		w.buffer = b
		w.notes.startAt(b.Stats().Last)
		w.noting.Store(w.wanted())
		w.counting.Store(true)
		w.ended = make(chan struct{})
		go w.run()
	})
}

// Stored notes a new event. It does not wait, and keeps nothing of the event.
func (w *Watch) Stored(position uint64, e *buffer.Event) {
	switch {
	case w.noting.Load():
		w.notes.add(position, e)
	case w.counting.Load():
		w.notes.onlyCount(e)
	}
}

// Close writes away what is noted. Where ctx ends first, that is read from the buffer again at the next start.
func (w *Watch) Close(ctx context.Context) error {
	w.noting.Store(false)
	w.counting.Store(false)
	w.end()
	closed := make(chan error, 1)
	go func() { closed <- w.shutDown(ctx) }()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("closing the vehicles: %w", ctx.Err())
	}
}

func (w *Watch) shutDown(ctx context.Context) error {
	w.start.Do(func() {}) // it is not to start any more
	if w.ended != nil {
		<-w.ended
	}
	if err := w.turn.lock(ctx); err != nil {
		return err
	}
	defer w.turn.unlock()
	w.closed = true
	if w.table.store == nil {
		return nil
	}
	err := w.write()
	if err == nil {
		err = w.table.store.flush()
	}
	return errors.Join(err, w.closeStore())
}

// run does a step now and then, until Close.
func (w *Watch) run() {
	defer close(w.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-w.life.Done():
			return
		case <-timer.C:
		case <-w.notes.wake:
		}
		if w.turn.lock(w.life) != nil {
			return
		}
		next := writeEvery
		if w.step() {
			next = busyEvery
		}
		w.turn.unlock()
		timer.Reset(next)
	}
}
