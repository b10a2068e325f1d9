package status

import (
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

const (
	// headroomSpan is the time over which it is measured how fast the buffer grows.
	headroomSpan = 5 * time.Minute
	// headroomStep is how far looks are apart at least that are remembered.
	headroomStep = 10 * time.Second
)

// HeadroomWatch remembers how much room the buffer had in the last minutes, each time that it was asked.
type HeadroomWatch struct {
	mu    sync.Mutex
	limit uint64
	looks []roomAt // the oldest first
}

// roomAt is how much room there was at a time, in bytes.
type roomAt struct {
	at   time.Time
	room uint64
}

// Add says in the status how long the room will last.
func (w *HeadroomWatch) Add(now time.Time, b *api.Buffer) {
	if b.HeadroomBytes == nil {
		return
	}
	if left, ok := w.look(now, b.LimitBytes, *b.HeadroomBytes); ok {
		seconds := api.Seconds(left)
		b.HeadroomSeconds = &seconds
	}
}

// look notes how much room there is now, and returns how long it lasts at the rate of the last minutes. It reports
// false while it does not shrink, and before there is something to compare it with.
func (w *HeadroomWatch) look(now time.Time, limit, room uint64) (left time.Duration, shrinks bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if limit != w.limit {
		w.limit, w.looks = limit, nil // another limit is no growth
	}
	if n := len(w.looks); n == 0 || now.Sub(w.looks[n-1].at) >= headroomStep {
		w.looks = append(w.looks, roomAt{now, room})
	}
	for len(w.looks) > 1 && now.Sub(w.looks[1].at) >= headroomSpan {
		w.looks = w.looks[1:]
	}
	if room == 0 {
		return 0, true
	}
	first := w.looks[0]
	passed := now.Sub(first.at)
	if passed < headroomStep || first.room <= room {
		return 0, false
	}
	seconds := float64(room) * passed.Seconds() / float64(first.room-room)
	return time.Duration(min(seconds, longest.Seconds()) * float64(time.Second)), true
}

// longest bounds what is said about the future.
const longest = 100 * 365 * 24 * time.Hour
