package app

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// noteMaxAge warns of a receiver's max_age that leaves a gap, and notes that it refuses deliveries.
func (a *App) noteMaxAge(m Member) {
	if line := longMaxAge(m.Source, m.MaxAge, a.opener.Limits().DedupeWindow); line != "" {
		a.log.Warn("receiver", slog.String("warning", line))
	}
	if m.RefusesOld && !slices.Contains(a.refusingOld, m.Source) {
		a.refusingOld = append(a.refusingOld, m.Source)
	}
}

// longMaxAge says that a max_age is longer than the buffer remembers events, "" where it is not.
func longMaxAge(source string, maxAge, window time.Duration) string {
	if maxAge == 0 || window == 0 || maxAge <= window {
		return ""
	}
	return fmt.Sprintf("the max_age of source %s is %s, but the buffer finds duplicates for %s only (dedupe_window): "+
		"between the two a recorded delivery that is sent again is stored as a new event; "+
		"write a max_age that is a little less", source, maxAge, window)
}
