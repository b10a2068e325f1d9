package receiver

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Each request has two limits that are hardly ever reached. A deadline set at the connection and taken
// back, and a new context with a timeout, cost some microseconds and eight allocations; a timer that the next request
// uses again costs neither. What has fired is never used again, nor is what a panic left
// running: a scratch holds a limit only while it is stopped.

// A body has to bring leastBytes in each leastPeriod. Smartcar's bodies of some kilobytes arrive within moments; what
// is slower than this has stopped.
const (
	leastPeriod = 3 * time.Second
	leastBytes  = 3 << 10
)

// readLimit ends the reading of a body that takes too long, comes too slowly, or must give way.
type readLimit struct {
	timer *time.Timer
	// came is how many bytes of the body have come.
	came atomic.Int64

	mu sync.Mutex
	// w is of the request whose body is being read, nil while none is.
	w   http.ResponseWriter
	end time.Time
	// seen is what had come when the last period ended.
	seen int64
	// why is the refusal that has ended the reading, nil while none has.
	why *refusal
	// set is true when the deadline of the connection was set for that.
	set bool
}

// start limits the reading of the body that w answers, until stop is called. It returns when the body must have come.
func (l *readLimit) start(w http.ResponseWriter, timeout time.Duration) (end time.Time) {
	l.came.Store(0)
	end = time.Now().Add(timeout)
	l.mu.Lock()
	l.w, l.end, l.seen, l.why, l.set = w, end, 0, nil, false
	l.mu.Unlock()
	first := min(timeout, leastPeriod)
	if l.timer == nil {
		l.timer = time.AfterFunc(first, l.look)
	} else {
		l.timer.Reset(first)
	}
	return end
}

// arrived notes that n bytes more have come.
func (l *readLimit) arrived(n int) { l.came.Add(int64(n)) }

// look is called when a period ends.
func (l *readLimit) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil {
		return
	}
	came, left := l.came.Load(), time.Until(l.end)
	if left <= 0 || came-l.seen < leastBytes {
		l.giveUp(refuseSlow)
		return
	}
	l.seen = came
	l.timer.Reset(min(left, leastPeriod))
}

// GiveUp ends the reading since another body needs the memory.
func (l *readLimit) GiveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.giveUp(refuseNoRoom)
}

// giveUp makes the read fail that is under way. A server without deadlines, such as a test's recorder, does without.
func (l *readLimit) giveUp(why *refusal) {
	if l.w == nil || l.why != nil {
		return
	}
	l.why = why
	l.set = http.NewResponseController(l.w).SetReadDeadline(time.Unix(1, 0)) == nil
}

// stop returns the refusal that has ended the reading, if one has, and reports whether the limit may be used again:
// when the timer has fired, its function may still be about to run.
func (l *readLimit) stop() (why *refusal, again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	again = l.timer.Stop()
	if l.set {
		_ = http.NewResponseController(l.w).SetReadDeadline(time.Time{})
	}
	l.w = nil
	return l.why, again
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
