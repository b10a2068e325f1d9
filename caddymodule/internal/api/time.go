package api

import (
	"fmt"
	"time"
)

// UTC keeps the zero time zero, so that omitzero leaves it out.
func UTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// SecondsMicro is a duration in seconds, to the microsecond: syncs are that short.
func SecondsMicro(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

// Seconds is a duration in seconds, to the millisecond.
func Seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// ParseTime reads a moment of a filter as RFC 3339, the zero time from "". Its error names the
// field and shows the form.
func ParseTime(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %q: must be a time such as 2026-03-01T15:04:05Z", name, text)
	}
	return t, nil
}
