package traffic

import (
	"maps"
	"sync"
	"time"
)

// Refusals are those of one source since a new event was last stored. The zero value: none.
type Refusals struct {
	// Since is when the first of them was refused, Last when the last one was.
	Since, Last time.Time
	// By counts them by the code of the answer, All altogether.
	By  map[string]uint64
	All uint64
}

// refusalLog remembers what was refused. Only refusals take its lock: whether an event has been taken since, it learns
// from the counts.
type refusalLog struct {
	mu     sync.Mutex
	counts map[string]uint64
	last   time.Time
	code   string
	events Refusals
	// taken is how many events had been taken when the first of events was refused.
	taken uint64
}

// note counts a refusal; event: it was meant to be an event, as far as one can tell.
func (l *refusalLog) note(at time.Time, code string, event bool, taken uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = make(map[string]uint64)
	}
	l.counts[code]++
	l.last, l.code = at, code
	if !event {
		return
	}
	if l.events.All == 0 || l.taken != taken {
		l.events, l.taken = Refusals{Since: at, By: make(map[string]uint64)}, taken
	}
	l.events.Last = at
	l.events.By[code]++
	l.events.All++
}

// since returns the refused events that none that was taken has followed.
func (l *refusalLog) since(taken uint64) Refusals {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events.All == 0 || l.taken != taken {
		return Refusals{}
	}
	r := l.events
	r.By = maps.Clone(r.By)
	return r
}
