package receiver

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Each request has two limits that are hardly ever reached. A deadline set at the connection and taken
// back, and a new context with a timeout, cost some microseconds and eight allocations; a timer that the next request
// uses again costs neither. What has fired is never used again, nor is what a panic left
// running: a scratch holds a limit only while it is stopped.

// readLimit ends the reading of a body that takes too long.
type readLimit struct {
	timer *time.Timer

	mu sync.Mutex
	// w is of the request whose body is being read, nil while none is.
	w       http.ResponseWriter
	reached bool
}

// start limits the reading of the body that w answers, until stop is called.
func (l *readLimit) start(w http.ResponseWriter, timeout time.Duration) {
	l.mu.Lock()
	l.w, l.reached = w, false
	l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(timeout, l.reach)
		return
	}
	l.timer.Reset(timeout)
}

// reach makes the read fail that is under way. A server without deadlines, such as a test's recorder, does without.
func (l *readLimit) reach() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w != nil {
		l.reached = http.NewResponseController(l.w).SetReadDeadline(time.Unix(1, 0)) == nil
	}
}

// stop reports whether the limit may be used again: when the timer has fired, its function may
// still be about to run.
func (l *readLimit) stop() (again bool) {
	again = l.timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reached {
		_ = http.NewResponseController(l.w).SetReadDeadline(time.Time{})
	}
	l.w = nil
	return again
}

// storeContext is a context that ends after a time. It does not end when the client goes
// away, which must not end a write half-way: the event is here, its signature is right, and the
// next attempt will find it as a duplicate.
type storeContext struct {
	timer    *time.Timer
	deadline time.Time
	done     chan struct{}
}

func (c *storeContext) start(timeout time.Duration) {
	c.deadline = time.Now().Add(timeout)
	if c.timer == nil {
		c.done = make(chan struct{})
		c.timer = time.AfterFunc(timeout, func() { close(c.done) })
		return
	}
	c.timer.Reset(timeout)
}

// stop reports whether the context may be used again: once it has ended it stays so.
func (c *storeContext) stop() (again bool) { return c.timer.Stop() }

func (c *storeContext) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *storeContext) Done() <-chan struct{} { return c.done }

func (c *storeContext) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (c *storeContext) Value(any) any { return nil }
