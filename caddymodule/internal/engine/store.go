package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// reopenAfter is how long calls get the error of a failed open before it is tried again.
const reopenAfter = time.Second

// store is the engine's buffer, opened when it is first needed.
type store struct {
	log  *slog.Logger
	host buffer.Host
	life context.Context // an open under way ends with it
	// presence and listening are those of Options.
	presence  Presence
	listening func() bool
	// observer is nil where there is none.
	observer EventObserver

	open atomic.Pointer[buffer.Buffer] // nil until opened

	mu       sync.Mutex
	opener   buffer.Opener
	opening  *opening
	begun    time.Time // when the first attempt to open began
	failed   error     // why the last attempt to open failed
	failedAt time.Time
	// failing is since when attempts fail.
	failing time.Time
	closed  bool

	// endAlive ends lookAlive, nil where that never began; noteFailed is why its last note failed.
	endAlive   chan struct{}
	looking    sync.WaitGroup
	noteFailed error
}

// opening is an attempt to open the buffer, which several calls may wait for.
type opening struct {
	done chan struct{}
	err  error
}

// Open opens the buffer if it is not open. For a second after a failed attempt, calls get its
// error; after that the next call tries again.
func (e *Engine) Open(ctx context.Context) error {
	_, err := e.store.get(ctx)
	return err
}

// Append stores an event, opening the buffer first if need be; see buffer.Buffer.
func (e *Engine) Append(ctx context.Context, ev *buffer.Event) (buffer.Receipt, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return buffer.Receipt{}, err
	}
	receipt, err := b.Append(ctx, ev)
	if err == nil && !receipt.Duplicate && e.opts.ObserveEvents != nil {
		e.opts.ObserveEvents.Stored(receipt.Position, ev)
	}
	return receipt, err
}

// Reconfigure applies an opener's limits to the open buffer; if it is not open yet, the
// opener replaces the previous one. The opener must have the same Key.
func (e *Engine) Reconfigure(o buffer.Opener) error {
	s := &e.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opener != nil && s.opener.Key() != o.Key() {
		return fmt.Errorf("reconfiguring the buffer: it is %q, not %q", s.opener.Key(), o.Key())
	}
	if b := s.open.Load(); b != nil && !s.closed {
		if err := o.Reconfigure(*b); err != nil {
			return fmt.Errorf("reconfiguring the buffer: %w", err)
		}
	}
	s.opener = o
	return nil
}

// get returns the open buffer. After close it may return the closed one, whose
// methods fail with buffer.ErrClosed.
func (s *store) get(ctx context.Context) (buffer.Buffer, error) {
	if b := s.open.Load(); b != nil {
		return *b, nil
	}
	o, err := s.attempt()
	if err != nil {
		return nil, err
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the buffer to open: %w", ctx.Err())
	}
	if o.err != nil {
		return nil, o.err
	}
	return *s.open.Load(), nil
}

// attempt joins the attempt under way or begins one.
func (s *store) attempt() (*opening, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || s.life.Err() != nil:
		return nil, buffer.ErrClosed
	case s.opening != nil:
		return s.opening, nil
	case s.failed != nil && time.Since(s.failedAt) < reopenAfter:
		return nil, s.failed
	}
	if s.begun.IsZero() {
		s.begun = time.Now()
	}
	s.opening = &opening{done: make(chan struct{})}
	go s.run(s.opening, s.opener)
	return s.opening, nil
}

// run makes one attempt. It belongs to no request: a client that goes away must not
// end it.
func (s *store) run(o *opening, opener buffer.Opener) {
	s.readAlive(opener)
	b, err := opener.Open(s.life, s.host)
	if err == nil && s.observer != nil {
		s.observer.Opened(b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(o.done)
	if err != nil {
		o.err = s.fail(&NotOpenError{Cause: err})
		return
	}
	if s.failed != nil {
		s.log.Info("the buffer is open now: events are received", "after", time.Since(s.failing).Round(time.Millisecond))
	}
	s.failed = nil
	s.keepAlive(b)
	s.open.Store(&b)
}

// fail notes a failed attempt. Attempts are many, so only another cause than that of the one before is logged.
func (s *store) fail(err error) error {
	now := time.Now()
	if s.failed == nil {
		s.failing = now
	}
	if s.failed == nil || s.failed.Error() != err.Error() {
		s.log.Error("nothing can be received: the buffer does not open", "error", err,
			"do", "fix the cause; as long as Caddy runs with this config it is tried again each second")
	}
	s.failed, s.failedAt, s.opening = err, now, nil
	return err
}

// close closes the buffer for good, within ctx.
func (s *store) close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	o := s.opening
	s.mu.Unlock()
	if o == nil {
		return nil // never opened
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		return fmt.Errorf("closing the buffer: it is still opening: %w", ctx.Err())
	}
	b := s.open.Load()
	if b == nil {
		return nil
	}
	closed := make(chan error, 1)
	go func() {
		s.stopAlive()
		closed <- (*b).Close()
	}()
	select {
	case err := <-closed:
		if err != nil {
			return fmt.Errorf("closing the buffer: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing the buffer: %w", ctx.Err())
	}
}
