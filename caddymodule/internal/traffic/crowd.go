package traffic

import (
	"sync"
	"time"
)

// crowdPast is how long after the last refusal a crowd is past.
const crowdPast = 5 * time.Minute

// Crowd says that bodies have been refused since there was no memory for them. The zero value: none was, of late.
type Crowd struct {
	// Since is the time of the first refusal, Last of the last one.
	Since, Last time.Time
	Refused     uint64
}

// CrowdWatch remembers the last crowd of bodies in arrival.
type CrowdWatch struct {
	mu  sync.Mutex
	now Crowd
}

// Refused notes that a body was refused.
func (w *CrowdWatch) Refused(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.past(at) {
		w.now = Crowd{Since: at}
	}
	w.now.Last = at
	w.now.Refused++
}

// Current returns the crowd there is, or has been in the last minutes.
func (w *CrowdWatch) Current(now time.Time) Crowd {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.past(now) {
		return Crowd{}
	}
	return w.now
}

func (w *CrowdWatch) past(now time.Time) bool {
	return w.now.Refused == 0 || now.Sub(w.now.Last) > crowdPast
}
