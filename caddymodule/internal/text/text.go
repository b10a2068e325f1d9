// Package text words numbers, durations and outside text for people.
package text

import (
	"fmt"
	"math"
	"time"

	"github.com/dustin/go-humanize"
)

// Because joins what happened with why, if that is known.
func Because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

// Plural is a number with its noun, as in "1 event" and "1,200 events".
func Plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}

// Duration is rough, for people: two units at most.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// Waiting says that so many events wait.
func Waiting(events uint64) string {
	if events == 1 {
		return "1 event waits"
	}
	return Count(events) + " events wait"
}

// Deliveries is a number of them, as in "1 delivery" and "1,200 deliveries".
func Deliveries(n uint64) string {
	if n == 1 {
		return "1 delivery"
	}
	return Count(n) + " deliveries"
}

// Count is a number with commas, as in "1,200".
func Count[N int | uint64](n N) string {
	return humanize.Comma(int64(min(uint64(n), math.MaxInt64)))
}

// Share never says 0% or 100% of what is not.
func Share(s float64) string {
	switch {
	case s <= 0:
		return "0%"
	case s < 0.01:
		return "<1%"
	case s < 1 && s > 0.99:
		return ">99%"
	default:
		return fmt.Sprintf("%.0f%%", 100*s)
	}
}
