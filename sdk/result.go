package sdk

import (
	"errors"
	"strings"
	"time"
)

// Status is what became of one event.
type Status int

// The statuses.
const (
	// StatusDone: the event is finished for this handler.
	StatusDone Status = iota + 1
	// StatusRetry: deliver it again.
	StatusRetry
	// StatusReject: no attempt can succeed; a dead letter.
	StatusReject
	// StatusUnavailable: what the handler needs is down; pause, count no attempt.
	StatusUnavailable
)

// String gives "done", "retry", "reject" or "unavailable".
func (s Status) String() string {
	switch s {
	case StatusDone:
		return "done"
	case StatusRetry:
		return "retry"
	case StatusReject:
		return "reject"
	case StatusUnavailable:
		return "unavailable"
	}
	return "unknown"
}

// Result is what the plugin tells the host about one event.
type Result struct {
	Status Status
	// RetryAfter, for StatusRetry: how long to wait at least. With 0 the retry policy decides.
	RetryAfter time.Duration
	// Reason, for StatusReject: a short stable word.
	Reason string
	// Error is the text of the error, "" when done.
	Error string
}

const (
	// maxErrorText bounds what one result carries: the host keeps it with the event.
	maxErrorText = 2 << 10
	maxReason    = 64
)

// ResultOf gives what the host is told when a handler returns err. It serves tests that call a handler function
// directly; package sdktest runs handlers over the protocol.
func ResultOf(err error) Result {
	if err == nil {
		return Result{Status: StatusDone}
	}
	r := Result{Status: StatusRetry, Error: clip(err.Error())}
	var o *outcome
	if !errors.As(err, &o) {
		return r
	}
	r.Status = o.status
	r.RetryAfter = o.after
	r.Reason = o.reason
	return r
}

// clip cuts s to about maxErrorText bytes of valid UTF-8, as protobuf requires.
func clip(s string) string {
	if len(s) > maxErrorText {
		s = s[:maxErrorText] + "..."
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// clipTo is s as UTF-8 of at most so many bytes.
func clipTo(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
