package receiver

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// logLimit keeps a flood of refusals from becoming a flood of log lines: a burst of
// lines, then one a second, each saying how many were left out before it.
type logLimit struct {
	limiter *rate.Limiter
	skipped atomic.Int64
}

func newLogLimit() *logLimit {
	return &logLimit{limiter: rate.NewLimiter(rate.Every(time.Second), 10)}
}

// allow reports whether a line may be written, and how many were not since the last one.
func (l *logLimit) allow() (skipped int64, ok bool) {
	if !l.limiter.Allow() {
		l.skipped.Add(1)
		return 0, false
	}
	return l.skipped.Swap(0), true
}

// logLimits has a limit for each kind of line, so that a flood of one hides none of another. The
// zero value is ready for use.
type logLimits struct {
	mu     sync.Mutex
	limits map[string]*logLimit
}

// of returns the limit of a kind. A kind is the code of a refusal, or the name of another event: never anything
// of a request, or there would be no end of them.
func (l *logLimits) of(kind string) *logLimit {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, ok := l.limits[kind]
	if !ok {
		if l.limits == nil {
			l.limits = make(map[string]*logLimit)
		}
		limit = newLogLimit()
		l.limits[kind] = limit
	}
	return limit
}
