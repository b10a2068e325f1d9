package receiver

import (
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

// logKind is a kind of lines with a limit of its own, so that a flood of one hides none of another.
type logKind int

// The kinds of lines.
const (
	logRefused logKind = iota
	logUnsigned
	logNotStored
	logNoRoom
	logKinds
)
