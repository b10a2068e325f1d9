package buffer

import (
	"context"
	"iter"
	"time"
)

// DeadLetters lists and removes dead letters.
type DeadLetters interface {
	// DeadLetters yields the dead letters behind one, oldest first; "" yields all. One that cannot be read yields an
	// error, and the next one follows.
	DeadLetters(ctx context.Context, after DeadLetterID) iter.Seq2[DeadLetter, error]

	// DeadLettersSince returns an id for DeadLetters that has behind it what died at a time or later, and before it
	// what died earlier. No dead letter has this id.
	DeadLettersSince(t time.Time) DeadLetterID

	// DeadLettersEnd returns an id that comes behind all dead letters there are, and before all later ones.
	DeadLettersEnd() DeadLetterID

	// DeadLetter returns one, or ErrNotFound.
	DeadLetter(ctx context.Context, id DeadLetterID) (DeadLetter, error)

	// DropDeadLetters removes dead letters for good and returns how many there were. A text that is no id is
	// ErrNotFound, and nothing is removed; one that no letter has is passed over.
	DropDeadLetters(ctx context.Context, ids ...DeadLetterID) (int, error)
}

// Reason says why an event became a dead letter.
type Reason string

// The reasons.
const (
	// ReasonRejected: the handler said that no attempt can succeed.
	ReasonRejected Reason = "rejected"
	// ReasonExhausted: max_attempts were used up.
	ReasonExhausted Reason = "exhausted"
	// ReasonExpired: it held up its lane for longer than park_after.
	ReasonExpired Reason = "expired"
	// ReasonPoison: the handler's process ended again and again with it in flight.
	ReasonPoison Reason = "poison"
	// ReasonUnreadable: a right signature over bytes that are not an event we know
	// how to read, or a stored record that fails its checksum.
	ReasonUnreadable Reason = "unreadable"
	// ReasonConflict: another event is stored under its source and id. No handler has had this one.
	ReasonConflict Reason = "conflict"
)

// DeadLetterID names a dead letter: a short text that is safe in a URL and sorts by
// the time of death.
type DeadLetterID string

// DeadLetter is an event that a handler gave up on, with a copy of the event.
type DeadLetter struct {
	ID DeadLetterID
	// Handler is empty for ReasonUnreadable and ReasonConflict.
	Handler string
	Reason  Reason
	// HandlerReason is the handler's own short word, for ReasonRejected.
	HandlerReason string
	Retry         Retry
	// DiedAt is when it became a dead letter.
	DiedAt time.Time
	Event  Event
}
