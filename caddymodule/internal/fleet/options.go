package fleet

import (
	"fmt"
	"math"
	"time"
)

// Bounds of what a laptop may be asked for.
const (
	MaxVehicles = 1000
	MaxRate     = 1000
)

// Options say how a fleet lives.
type Options struct {
	// Vehicles is how many there are, 1 to MaxVehicles.
	Vehicles int
	// Rate is how many events begin in a second, all vehicles together, above 0 and at most MaxRate.
	Rate float64
	// Count is after how many events the fleet ends; the ends of errors that are open then come on top. 0: never.
	Count int
	// Seed decides everything else.
	Seed uint64
	// Start is the time of the first event, and what the times of all others are counted from.
	Start time.Time
	// ClockFactor divides the waits before an event is sent again; 0: 1.
	ClockFactor float64
}

// OptionsError says which option cannot be meant.
type OptionsError struct {
	// Option is its name in small letters, such as vehicles.
	Option string
	// Want says what it may be.
	Want string
}

func (e *OptionsError) Error() string { return e.Option + ": must be " + e.Want }

// check returns o with its defaults, or an *OptionsError.
func (o Options) check() (Options, error) {
	if o.ClockFactor == 0 {
		o.ClockFactor = 1
	}
	switch {
	case o.Vehicles < 1 || o.Vehicles > MaxVehicles:
		return o, &OptionsError{"vehicles", fmt.Sprintf("1 to %d", MaxVehicles)}
	case !(o.Rate > 0) || o.Rate > MaxRate:
		return o, &OptionsError{"rate", fmt.Sprintf("more than 0 and at most %d", MaxRate)}
	case o.Count < 0:
		return o, &OptionsError{"count", "0 or more"}
	case !(o.ClockFactor > 0) || math.IsInf(o.ClockFactor, 1):
		return o, &OptionsError{"clock-factor", "more than 0"}
	}
	return o, nil
}

// wait is a wait of Smartcar's by the fleet's clock.
func (o Options) wait(d time.Duration) time.Duration {
	return time.Duration(float64(d) / o.ClockFactor)
}
