package handlersfile

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var errDuration = errors.New(`a duration is a number with a unit (ms, s, m, h, d), as in "500ms", "10s", "1h30m" or "7d"`)

var days = regexp.MustCompile(`^([0-9]{1,5})d`)

// parseDuration reads a duration as Go writes it, with whole days (24 hours) as
// another unit in front: "1d12h".
func parseDuration(text string) (time.Duration, error) {
	rest, total := text, time.Duration(0)
	if match := days.FindStringSubmatch(text); match != nil {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			return 0, errDuration
		}
		total, rest = time.Duration(n)*24*time.Hour, text[len(match[0]):]
		if rest == "" {
			return total, nil
		}
		if strings.ContainsAny(rest[:1], "+-") {
			return 0, errDuration
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, errDuration
	}
	if total+d < total && d > 0 {
		return 0, errDuration
	}
	return total + d, nil
}

// formatDuration writes whole days as such, and no zero units.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
