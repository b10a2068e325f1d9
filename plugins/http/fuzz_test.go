package http

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// FuzzRetryAfter: whatever an application asks for, the wait is 0 to a day, and a number of
// seconds or a date within it is taken as it is.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 3, 14, 15, 4, 5, 0, time.UTC)
	for _, seed := range []string{"5", " 120 ", "-1", "99999999999999999999", "18446744073709551615", "1.5", "", now.Add(time.Minute).Format(http.TimeFormat), now.AddDate(9, 0, 0).Format(time.RFC850)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		wait := retryAfter(value, now)
		if wait < 0 || wait > maxRetryAfter {
			t.Fatalf("%q: %v", value, wait)
		}
		if n, err := strconv.Atoi(value); err == nil && n >= 0 && value[0] != '+' && n <= 86400 && wait != time.Duration(n)*time.Second {
			t.Fatalf("%q: %v", value, wait)
		}
		if at, err := http.ParseTime(value); err == nil && at.After(now) && at.Sub(now) < maxRetryAfter && wait != at.Sub(now) {
			t.Fatalf("%q: %v", value, wait)
		}
	})
}
