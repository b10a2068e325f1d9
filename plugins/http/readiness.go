package http

import (
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

const (
	// maxRefused bounds how many refused events are remembered.
	maxRefused = 4096
	// maxInRow is how many refusals in a row can be those of single events.
	maxInRow = 8
)

// readiness tells an application that refuses everything, as after the rotation of a token, from one that refuses
// single events, as those of a vehicle that it may not have. The first is an outage, which must cost no event an
// attempt, however long it lasts. The second is the event's own failure, which must not hold up the others.
type readiness struct {
	mu sync.Mutex
	// accepted counts the events that the application has accepted.
	accepted uint64
	// inRow are the refusals since then.
	inRow int
	// refused has for each refused event what accepted was at its last refusal.
	refused map[eventKey]uint64
}

type eventKey struct{ source, id string }

func newReadiness() *readiness { return &readiness{refused: map[eventKey]uint64{}} }

// accept notes that the application has accepted an event.
func (r *readiness) accept(e *sdk.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted++
	r.inRow = 0
	delete(r.refused, eventKey{e.Source, e.ID})
}

// refuse notes that the application has refused an event, and reports whether that is the event's own failure: whether
// others were accepted since this one was refused before or, the first time, shortly before.
func (r *readiness) refuse(e *sdk.Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := eventKey{e.Source, e.ID}
	before, again := r.refused[key]
	if !again && len(r.refused) >= maxRefused {
		clear(r.refused)
	}
	r.refused[key] = r.accepted
	r.inRow++
	if again {
		return r.accepted > before
	}
	return r.accepted > 0 && r.inRow <= maxInRow
}
