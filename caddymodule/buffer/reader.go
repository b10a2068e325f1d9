package buffer

import (
	"context"
	"iter"
)

// Reader answers questions about stored events. It leases nothing.
type Reader interface {
	// Events yields stored events in a range. An event that is damaged yields its Position with an error, and the next
	// one follows.
	Events(ctx context.Context, r Range) iter.Seq2[Event, error]

	// Event returns the stored event at a position, or ErrNotFound.
	Event(ctx context.Context, position uint64) (Event, error)

	// Lookup returns the position of the event with this source and id, as far back as the dedupe window goes, or
	// ErrNotFound. The event itself may be trimmed already.
	Lookup(ctx context.Context, source, id string) (uint64, error)

	// States returns how far each consumer, by name, is with the event at a position. It is ErrNotFound for a position
	// that was never given; a trimmed event has its states still.
	States(ctx context.Context, position uint64) ([]State, error)
}
