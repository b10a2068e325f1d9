package pluginhost

import (
	"math/rand/v2"
	"time"
)

// backoff gives the delays between restarts: min, doubling up to max, each changed
// by up to a quarter so that many plugins on one broken thing do not restart in
// step.
type backoff struct {
	min, max time.Duration
	last     time.Duration
}

func (b *backoff) next() time.Duration {
	switch {
	case b.last == 0:
		b.last = b.min
	case b.last > b.max/2:
		b.last = b.max
	default:
		b.last *= 2
	}
	quarter := b.last / 4
	return b.last - quarter + rand.N(2*quarter+1)
}

func (b *backoff) reset() { b.last = 0 }
