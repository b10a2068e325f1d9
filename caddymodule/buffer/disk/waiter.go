package disk

import (
	"context"
	"sync/atomic"
)

const (
	waiting int32 = iota
	finished
	abandoned
)

// waiter is where a caller waits for the committer. Whoever comes second, the
// committer with the result or the caller giving up, learns that the other is gone.
type waiter struct {
	state atomic.Int32
	ready chan struct{}
	err   error
}

func newWaiter() waiter {
	return waiter{ready: make(chan struct{}, 1)}
}

// finish hands err over. It reports false when the caller has given up, so that what
// belongs to the task is the committer's to release.
func (w *waiter) finish(err error) bool {
	w.err = err
	if !w.state.CompareAndSwap(waiting, finished) {
		return false
	}
	w.ready <- struct{}{}
	return true
}

// wait reports done = false when it gave up, because of ctx or the halt.
func (w *waiter) wait(ctx context.Context, s *failure) (done bool, err error) {
	select {
	case <-w.ready:
		return true, w.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.halted:
		err = s.err()
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
