package drift

import (
	"sync"
	"time"
)

// patience is how long a question waits for the files to be read. It is asked for when something is the matter, and a
// file may lie on a mount that hangs.
const patience = 200 * time.Millisecond

// Look reads files in the background, so that a question about them is answered in any case. The zero value is ready.
// It is safe for concurrent use.
type Look struct {
	mu     sync.Mutex
	latest []Change
	// reading is closed when the read under way has ended, nil while there is none.
	reading chan struct{}
}

// Changes returns what read returns. If that takes more than 200 ms, it goes on in the background, and Changes returns
// what is known from the last read that has ended: nothing at first. There is one read at a time: a call while one is
// under way waits for that.
func (l *Look) Changes(read func() []Change) []Change {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-l.begin(read):
	case <-timer.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

// begin begins a read unless one is under way, and returns what is closed at its end.
func (l *Look) begin(read func() []Change) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reading != nil {
		return l.reading
	}
	done := make(chan struct{})
	l.reading = done
	go func() {
		defer close(done)
		changes := read()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.latest, l.reading = changes, nil
	}()
	return done
}
