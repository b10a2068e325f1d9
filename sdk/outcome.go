package sdk

import (
	"strings"
	"time"
)

// outcome is an error that says what becomes of the event.
type outcome struct {
	status Status
	after  time.Duration
	reason string
	err    error
}

// Retry asks for the event again after at least the given time, instead of the time that the retry policy sets. The
// attempt counts. With after <= 0 the policy sets the time. err may be nil; errors.Is and errors.As find it in the
// result, which may itself be wrapped.
func Retry(after time.Duration, err error) error {
	return &outcome{status: StatusRetry, after: max(after, 0), err: err}
}

// Reject says that no attempt can succeed: the event becomes a dead letter at once, and can be replayed when the cause
// is fixed. reason is a short stable word that groups dead letters, such as "unknown_vehicle". Capitals become lower
// case, characters other than letters, digits and _ become _, and an empty reason becomes "rejected". err may be nil;
// errors.Is and errors.As find it in the result, which may itself be wrapped.
func Reject(reason string, err error) error {
	return &outcome{status: StatusReject, reason: cleanReason(reason), err: err}
}

// Unavailable says that something the handler depends on, such as a database or another server, is down. The host
// stops delivering to this handler for a while and counts no attempt, so an outage of any length loses no event. err
// may be nil; errors.Is and errors.As find it in the result, which may itself be wrapped.
func Unavailable(err error) error {
	return &outcome{status: StatusUnavailable, err: err}
}

// Error is the text of the wrapped error, or one of its own where there is none.
func (o *outcome) Error() string {
	if o.err != nil {
		return o.err.Error()
	}
	switch o.status {
	case StatusReject:
		return "rejected: " + o.reason
	case StatusUnavailable:
		return "unavailable"
	}
	return "retry asked for"
}

func (o *outcome) Unwrap() error { return o.err }

func cleanReason(reason string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, reason)
	if clean == "" {
		return "rejected"
	}
	return clean[:min(len(clean), maxReason)]
}
