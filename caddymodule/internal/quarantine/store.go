package quarantine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Folder is that of the files, in the buffer's directory.
const Folder = "quarantine"

// Errors of what is asked.
var (
	// ErrNone: there can be no quarantine.
	ErrNone = errors.New("there is no quarantine: the buffer has no directory on this machine")
	// ErrNotReady: it cannot be asked about just now.
	ErrNotReady = errors.New("the quarantine cannot be asked about just now")
	// ErrNotFound: nothing is kept under an id.
	ErrNotFound = errors.New("nothing is kept under this id")
)

// Verifier knows whose signatures count: the tokens of each source. keyring.Ring is one.
type Verifier interface {
	// Verify reports whether a signature is that of a body, and the number of the token, from 1.
	Verify(source string, body []byte, signature string) (token int, ok bool)
	// Same reports whether another one has the same tokens.
	Same(other any) bool
}

// noTokens verifies nothing.
type noTokens struct{}

func (noTokens) Verify(string, []byte, string) (int, bool) { return 0, false }

func (noTokens) Same(other any) bool { return other == any(noTokens{}) }

// generation is a set of tokens and its number: another one only where the tokens differ.
type generation struct {
	Verifier
	number uint64
}

// of returns the number of the token that a body verifies under, 0 for none.
func (g *generation) of(source string, body []byte, signature string) int {
	if token, ok := g.Verify(source, body, signature); ok {
		return token
	}
	return 0
}

// Store keeps refused requests. Its methods are safe for concurrent use; nil keeps nothing.
type Store struct {
	log   *slog.Logger
	files folder // nil: none can be kept

	settings atomic.Pointer[Settings]
	// limits are the settings that decide what is deleted, and how fast is written: those of the config that is in force,
	// or was last; nil: none was yet, and nothing is deleted or written.
	limits atomic.Pointer[Settings]
	tokens atomic.Pointer[generation]
	// taking: requests are taken.
	taking atomic.Bool
	queue  queue
	counts counters

	life  context.Context
	end   context.CancelFunc
	start sync.Once
	wake  chan struct{}
	// ready is closed when the folder is read, ended when the goroutine is gone.
	ready, ended chan struct{}

	// turn is held by whoever releases or removes.
	turn   chan struct{}
	buffer buffer.Buffer
	clock  buffer.Clock
	pace   *rate.Limiter

	mu    sync.Mutex
	index index
	// unchecked are the ids that were not verified by the present tokens.
	unchecked []string
	// failed are those of them that could not be read.
	failed  []string
	failing error

	// What follows is the goroutine's alone.
	next     *Request  // it waits until it may be written
	lookedAt time.Time // when ages and room were last looked at
	// halted: the buffer is. spare is how much may be written until the next look, and spent how much was.
	halted       bool
	spare, spent int64
	checkedAt    time.Time // when some were last verified
	again        []string  // ids of some that verify, to be looked at again
}

// New returns a store in a buffer's directory; "": the buffer has none, and nothing is kept. It touches no disk.
func New(dir string, log *slog.Logger) *Store {
	s := &Store{
		log: log, wake: make(chan struct{}, 1), ready: make(chan struct{}), ended: make(chan struct{}),
		turn: make(chan struct{}, 1), index: newIndex(), pace: rate.NewLimiter(0, 0), spare: math.MaxInt64,
	}
	if dir != "" {
		s.files = osFolder(filepath.Join(dir, Folder))
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.Set(Settings{}, nil)
	return s
}

// Set takes settings, and the tokens that count; nil: none do yet. Where these are others than before, what is kept is
// verified by them in the background. Where less is to be kept than before, nothing is deleted until the settings are in
// force.
func (s *Store) Set(settings Settings, tokens Verifier) {
	settings = settings.WithDefaults()
	if tokens == nil {
		tokens = noTokens{}
	}
	s.mu.Lock()
	s.settings.Store(&settings)
	number := uint64(1)
	was := s.tokens.Load()
	if was != nil {
		number = was.number
	}
	if was != nil && !was.Same(tokens) {
		number++
		s.unchecked, s.failed = nil, nil
		for id := range s.index.entries {
			s.unchecked = append(s.unchecked, id)
		}
	}
	s.tokens.Store(&generation{tokens, number})
	s.mu.Unlock()
	s.taking.Store(settings.On && s.files != nil)
	s.nudge()
}

func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Opened is called once, when the buffer is open.
func (s *Store) Opened(b buffer.Buffer) {
	s.start.Do(func() {
		s.buffer, s.clock = b, wallClock{}
		if clocked, ok := b.(buffer.Clocked); ok {
			s.clock = clocked.Clock()
		}
		go s.run()
	})
}

// wallClock is for a buffer that has no clock of its own.
type wallClock struct{}

func (wallClock) Now() int64                { return time.Now().UnixNano() }
func (wallClock) Ago(d time.Duration) int64 { return time.Now().Add(-d).UnixNano() }

// Stored is nothing to it.
func (s *Store) Stored(uint64, *buffer.Event) {}

// Close writes what waits, and ends. Where ctx ends first, that is lost.
func (s *Store) Close(ctx context.Context) error {
	s.taking.Store(false)
	s.end()
	s.start.Do(func() { close(s.ended) }) // it is not to start any more
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the quarantine: %w", ctx.Err())
	}
}

// Takes reports whether any are kept.
func (s *Store) Takes() bool { return s != nil && s.taking.Load() }

// Offer takes a copy of a refused request, if any are kept and there is room for it. It waits for nothing.
func (s *Store) Offer(r *Request) {
	if !s.Takes() || r.Code != CodeMismatch {
		return
	}
	if len(r.Body) > longestBody {
		s.counts.drop(TooLarge, 1)
		return
	}
	s.counts.drop(Rate, s.queue.push(r))
	s.nudge()
}

// readyWithin bounds the wait for the folder to be read, which begins when the buffer is open.
const readyWithin = 5 * time.Second

// isReady waits until the folder is read.
func (s *Store) isReady(ctx context.Context) error {
	if s.files == nil {
		return ErrNone
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: the buffer is not open, or the disk hangs", ErrNotReady)
	}
}

// begin waits for the turn of whoever releases or removes, which end ends.
func (s *Store) begin(ctx context.Context) (end func(), err error) {
	if err := s.isReady(ctx); err != nil {
		return nil, err
	}
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: another release or removal is under way: %w", ErrNotReady, ctx.Err())
	}
}
