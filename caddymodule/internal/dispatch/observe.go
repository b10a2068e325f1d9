package dispatch

import "time"

// Observer is told of each event that the handler has finished or given up on. The scheduler calls it, so it must
// return at once.
type Observer interface {
	Settled(Settled)
}

// Settled is an event that the handler gets no more.
type Settled struct {
	// Done: the handler has finished it; else it became a dead letter.
	Done bool
	// Attempts is how often the handler had it, with the times that its process ended meanwhile; at least 1.
	Attempts int
	// Age is how long ago it was received.
	Age time.Duration
	// Replayed: an operator had asked for it again.
	Replayed bool
}

// observe tells the observer of an event that was settled after so many attempts.
func (d *Dispatcher) observe(it *item, done bool, attempts int) {
	if d.cfg.Observer == nil {
		return
	}
	d.cfg.Observer.Settled(Settled{
		Done: done, Attempts: max(1, attempts),
		Age: max(0, time.Since(it.event.ReceivedAt)), Replayed: it.retry.Replay != "",
	})
}
