package smartcar

import (
	"math"
	"strconv"
	"time"
)

const (
	// minMillis is in March 1973. A smaller number is no time of a car: it is 0, which Smartcar uses for "unknown", or
	// seconds where milliseconds were meant.
	minMillis = 100_000_000_000
	// maxMillis is the end of the year 9999, after which Go cannot print a time as JSON.
	maxMillis = 253402300800000
)

// parseTime reads a time as Smartcar writes them: milliseconds since 1970 as a
// number, with or without a fraction, or as a string of digits, or a date by RFC
// 3339, to the millisecond. It returns the zero time for what is not between minMillis
// and maxMillis, and for anything else.
func parseTime(raw []byte) time.Time {
	if len(raw) == 0 || raw[0] == 'n' {
		return time.Time{}
	}
	if raw[0] == '"' {
		text := unquote(raw)
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return fromMillis(t.UnixMilli())
		}
		return parseMillis(text)
	}
	if ms, ok := wholeMillis(raw); ok {
		return fromMillis(ms)
	}
	return parseMillis(string(raw))
}

// wholeMillis reads what nearly every time is: digits, as many as maxMillis has at most.
func wholeMillis(raw []byte) (ms int64, ok bool) {
	if len(raw) > 15 {
		return 0, false
	}
	for _, c := range raw {
		if !isDigit(c) {
			return 0, false
		}
		ms = 10*ms + int64(c-'0')
	}
	return ms, true
}

func parseMillis(text string) time.Time {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return fromMillis(ms)
	}
	ms, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(ms) || ms < 0 || ms >= maxMillis {
		return time.Time{}
	}
	return fromMillis(int64(ms))
}

func fromMillis(ms int64) time.Time {
	if ms < minMillis || ms >= maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
