package disk

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
)

const (
	waiting int32 = iota
	finished
	abandoned
)

// waiter is where a caller waits for the committer. Whoever comes second, the committer with the result or the caller
// giving up, learns that the other is gone.
type waiter struct {
	state atomic.Int32
	ready chan struct{}
	err   error
}

func newWaiter() waiter {
	return waiter{ready: make(chan struct{}, 1)}
}

// finish hands err over. It returns false when the caller has given up, so that what belongs to the task is the
// committer's to release.
func (w *waiter) finish(err error) bool {
	w.err = err
	if !w.state.CompareAndSwap(waiting, finished) {
		return false
	}
	w.ready <- struct{}{}
	return true
}

// wait returns done = false when it gave up, because of ctx or a halt.
func (w *waiter) wait(ctx context.Context, s *failstop.Failure) (done bool, err error) {
	select {
	case <-w.ready:
		return true, w.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.Halted:
		err = s.Err()
	}
	if w.state.CompareAndSwap(waiting, abandoned) {
		return false, err
	}
	<-w.ready
	return true, w.err
}

func (w *waiter) reset() {
	w.state.Store(waiting)
	w.err = nil
}

// trigger asks for work that is the same however often somebody asks for it.
type trigger chan struct{}

func newTrigger() trigger { return make(trigger, 1) }

// fire does not wait.
func (l trigger) fire() {
	select {
	case l <- struct{}{}:
	default:
	}
}

// broadcast wakes everybody who waits. It costs next to nothing while nobody does.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that the next wake closes. Call it before looking at what is waited for.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *broadcast) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
