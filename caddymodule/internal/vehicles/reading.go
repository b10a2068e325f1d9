package vehicles

import (
	"bytes"
	"strconv"
	"time"
)

const (
	// apart is how far the clocks of a car and of this machine may be apart, as for freshness.
	apart = time.Minute
	// minMillis is in March 1973. A smaller number is 0, which Smartcar uses for "unknown", or seconds where milliseconds
	// were meant.
	minMillis = 100_000_000_000
	// mostReadings bounds how many times of a body are looked at. There are 93 signals.
	mostReadings = 1000
	// longestTime bounds the text of a time.
	longestTime = 40
)

var (
	updatedAt = []byte(`UpdatedAt"`)
	oem       = []byte(`"oem`)
)

// newestReading returns the latest oemUpdatedAt in a body, in milliseconds, that is believable: not after limit. 0:
// there is none. It does not parse the body, which would cost ten times as much: a key cannot stand inside a string of
// JSON without a backslash before its quote. So, unlike freshness, it counts a reading from before that comes with a
// signal which fails now: that is its age still.
func newestReading(body []byte, limit int64) (newest int64) {
	rest := body
	for range mostReadings {
		i := bytes.Index(rest, updatedAt)
		if i < 0 {
			break
		}
		isKey := bytes.HasSuffix(rest[:i], oem) && (i == len(oem) || rest[i-len(oem)-1] != '\\')
		rest = rest[i+len(updatedAt):]
		if !isKey {
			continue
		}
		if at := timeAfterColon(rest); at > newest && at <= limit && at >= minMillis {
			newest = at
		}
	}
	return newest
}

// timeAfterColon reads the time at the start of b, behind a colon: milliseconds, or a text with them or a date. 0: there
// is none.
func timeAfterColon(b []byte) int64 {
	b = withoutBlanks(b)
	if len(b) == 0 || b[0] != ':' {
		return 0
	}
	b = withoutBlanks(b[1:])
	if len(b) == 0 || b[0] != '"' {
		return millis(b)
	}
	b = b[1:min(len(b), longestTime)]
	end := bytes.IndexByte(b, '"')
	if end < 0 {
		return 0
	}
	if t, err := time.Parse(time.RFC3339, string(b[:end])); err == nil {
		return t.UnixMilli()
	}
	if _, err := strconv.ParseFloat(string(b[:end]), 64); err != nil {
		return 0
	}
	return millis(b[:end])
}

// millis reads the digits at the start of b; a fraction is cut off. Numbers with an exponent are none.
func millis(b []byte) (ms int64) {
	for i, c := range b {
		switch {
		case c == 'e' || c == 'E' || i > 15:
			return 0
		case c < '0' || c > '9':
			return ms
		}
		ms = 10*ms + int64(c-'0')
	}
	return ms
}

func withoutBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}
