package buffer

import (
	"context"
	"iter"
	"time"
)

// Consumer is one handler's view of the buffer. Methods are safe for concurrent use.
type Consumer interface {
	// Lease hands out events for which there is room, in append order, that this consumer
	// has neither leased, settled nor deferred. It blocks until there is at least one,
	// ctx ends, or the consumer is closed (ErrClosed).
	Lease(ctx context.Context, room Room) ([]Lease, error)

	// Lanes yields each lane that has deferred events, with its first event's retry
	// state. It is meant for the start: dispatch keeps the rest in memory.
	Lanes(ctx context.Context) iter.Seq2[Lane, error]

	// LeaseDeferred hands out deferred events of one lane for which there is room, in
	// append order, due or not, skipping those that are leased. It does not block.
	LeaseDeferred(ctx context.Context, lane string, room Room) ([]Lease, error)

	// Settle records outcomes of leased events and returns when they are durable, all of
	// them or none. Concurrent calls share one sync, also with appends. An outcome for an
	// event that is not leased is ignored with its memo: it was settled before. (Reopen
	// and PutMemo need no lease.)
	Settle(ctx context.Context, outcomes ...Outcome) error

	// Memo returns a copy of what Outcome.Memo stored last under a key, nil if nothing.
	Memo(ctx context.Context, key string) ([]byte, error)

	// Memos yields the memos whose keys begin with prefix, by key.
	Memos(ctx context.Context, prefix string) iter.Seq2[Memo, error]

	// Stats counts what the consumer has before it.
	Stats() ConsumerStats

	// Close gives back what is leased. It may be called twice.
	Close() error
}

// Room is how much the caller of a lease can take.
type Room struct {
	// Events, at least 1.
	Events int
	// Bytes of all bodies together; 0 is no bound. The first event is handed out however large
	// it is, so that no body can hold up a consumer for good.
	Bytes int
}

// Takes reports whether an event still fits with which n others come before it, when the
// bodies have size bytes with its own.
func (r Room) Takes(n, size int) bool {
	return n == 0 || n < r.Events && (r.Bytes == 0 || size <= r.Bytes)
}

// Lease is an event handed out for delivery until Settle or Close.
type Lease struct {
	Event Event
	// Retry is what earlier deliveries left behind; zero for a fresh event.
	Retry Retry
}

// Retry is the durable memory of failed deliveries of one event to one consumer.
type Retry struct {
	// Attempts that were counted so far.
	Attempts int
	// NotBefore is when the next delivery is due. Zero: at once.
	NotBefore time.Time
	// FirstAt and LastAt are the times of the first and the last counted attempt.
	FirstAt, LastAt time.Time
	// Failing is how much time has verifiably passed between them, whatever was done to the
	// clock.
	Failing time.Duration
	// FirstError and LastError are what the handler said then.
	FirstError, LastError string
	// Crashes counts how often the handler's process ended with this event in flight.
	Crashes int
	// Replay is the id of the replay that reopened the event, "" if none did.
	Replay string
}

// Lane is the head of a lane's deferred events.
type Lane struct {
	Name string
	// Position of the lane's first deferred event.
	Position uint64
	Retry    Retry
}
