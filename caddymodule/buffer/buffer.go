// Package buffer is the contract between the receiver, which stores events, and
// dispatch, which delivers them. An engine below it (package disk) must pass the
// suite in package buffertest.
//
// What every buffer promises:
//
//  1. Append returns nil only when the event is durable. Concurrent appends share
//     one sync.
//  2. Append finds a duplicate by (Source, ID) atomically with the write, within
//     the buffer's dedupe window.
//  3. Each consumer reads from its own durable position, leases events, and
//     settles them or sets them aside for later. A crash gives back what was
//     leased and not settled, and nothing else.
//  4. Settled events stay until retention ends; unsettled ones are never trimmed.
//  5. After a failed write nothing half-written is ever read back. A failed sync
//     seals the buffer until it is opened anew.
//  6. Contents are readable after a crash at any instant.
package buffer

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Errors that a buffer returns, wrapped. All of them mean: not stored, answer 503.
var (
	// ErrClosed: the buffer was closed; an append after it stores nothing.
	ErrClosed = errors.New("buffer is closed")
	// ErrFull: the size limit or the disk's headroom is reached.
	ErrFull = errors.New("buffer is full")
	// ErrSealed: a write or sync failed, so nothing more is accepted until the
	// buffer is opened anew (restart Caddy when the disk is well again).
	ErrSealed = errors.New("buffer is sealed after a failed write")
)

// Buffer stores events and hands them to consumers. All methods are safe for
// concurrent use.
type Buffer interface {
	// Append stores e and returns when it is durable. e.Position is ignored. The
	// buffer does not keep e or e.Body after it returned. A duplicate of a stored
	// event is nil with Receipt.Duplicate; a duplicate of an event whose sync is
	// under way waits for that sync. When ctx ends first, Append returns ctx's
	// error, and the event may or may not have been stored: the sender must send
	// it again. An event with Unreadable set goes to the dead letters of no
	// handler instead of to the consumers.
	Append(ctx context.Context, e *Event) (Receipt, error)

	// CreateConsumers creates those of the named consumers that are new, durably and in
	// one step. The first that a buffer ever had, all of that one call, start with the
	// oldest stored event; later ones with the next event appended.
	CreateConsumers(ctx context.Context, names ...string) error

	// Consumer opens the named consumer, creating it as CreateConsumers does when it is
	// new. Only one of a name may be open.
	Consumer(ctx context.Context, name string) (Consumer, error)

	// DeadLetters yields the dead letters, oldest first.
	DeadLetters(ctx context.Context) iter.Seq2[DeadLetter, error]

	// Stats is cheap enough to be asked once a second.
	Stats() Stats

	// Close waits for appends under way, releases everything, and makes every
	// later call fail with ErrClosed. It may be called twice.
	Close() error
}

// Receipt says what became of an appended event.
type Receipt struct {
	// Position of the stored event, or of the one that it duplicates.
	Position uint64
	// Duplicate: an event with this source and id is already stored.
	Duplicate bool
	// Differs: a duplicate whose Digest is not that of the stored event.
	Differs bool
}

// Consumer is one handler's view of the buffer. Methods are safe for concurrent use.
type Consumer interface {
	// Lease hands out up to max events, in append order, that this consumer has
	// neither leased, settled nor deferred. It blocks until there is at least one,
	// ctx ends, or the consumer is closed (ErrClosed).
	Lease(ctx context.Context, max int) ([]Lease, error)

	// Lanes yields each lane that has deferred events, with its first event's retry
	// state. It is meant for the start: dispatch keeps the rest in memory.
	Lanes(ctx context.Context) iter.Seq2[Lane, error]

	// LeaseDeferred hands out up to max deferred events of one lane, in append order,
	// due or not, skipping those that are leased. It does not block.
	LeaseDeferred(ctx context.Context, lane string, max int) ([]Lease, error)

	// Settle records outcomes of leased events and returns when they are durable.
	// Concurrent calls share one sync, also with appends. An outcome for an event
	// that is not leased is ignored: it was settled before.
	Settle(ctx context.Context, outcomes ...Outcome) error

	// Stats counts what the consumer has before it.
	Stats() ConsumerStats

	// Close gives back what is leased. It may be called twice.
	Close() error
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
	// FirstError and LastError are what the handler said then.
	FirstError, LastError string
}

// Lane is the head of a lane's deferred events.
type Lane struct {
	Name string
	// Position of the lane's first deferred event.
	Position uint64
	Retry    Retry
}

// Verb is what an Outcome does to an event.
type Verb int

// The verbs. Done, Skip and Dead settle the event for this consumer for good.
const (
	// Done: the handler has finished with the event.
	Done Verb = iota + 1
	// Skip: the handler does not want the event.
	Skip
	// Defer sets the event aside under Outcome.Lane with Outcome.Retry, to be had
	// again through LeaseDeferred.
	Defer
	// Dead writes a dead letter with Outcome.Reason and Outcome.Retry.
	Dead
)

// Outcome ends a lease.
type Outcome struct {
	Position uint64
	Verb     Verb
	// Lane, for Defer: any short text; events of one lane keep their order.
	Lane string
	// Retry, for Defer and Dead: the state to remember.
	Retry Retry
	// Reason, for Dead.
	Reason Reason
	// Code, for Dead with ReasonRejected: the handler's own short word.
	Code string
}

// Reason says why an event became a dead letter.
type Reason string

// The reasons.
const (
	// ReasonRejected: the handler said that no attempt can succeed.
	ReasonRejected Reason = "rejected"
	// ReasonExhausted: max_attempts were used up.
	ReasonExhausted Reason = "exhausted"
	// ReasonUnreadable: a right signature over bytes that are not an event we know
	// how to read, or a stored record that fails its checksum.
	ReasonUnreadable Reason = "unreadable"
)

// DeadLetter is an event that a handler gave up on, with a copy of the event.
type DeadLetter struct {
	// Handler is empty for ReasonUnreadable.
	Handler string
	Reason  Reason
	Code    string
	Retry   Retry
	// DiedAt is when it became a dead letter.
	DiedAt time.Time
	Event  Event
}

// Stats describes the buffer as a whole.
type Stats struct {
	// First and Last are the positions of the oldest stored event and of the newest
	// one; both 0 when there never was one.
	First, Last uint64
	// DeadLetters counts those stored.
	DeadLetters uint64
	// Bytes on disk, as the engine accounts for them.
	Bytes uint64
	// Syncs, Appended, Duplicates and Corrupt count since the buffer was opened.
	Syncs, Appended, Duplicates, Corrupt uint64
	// Sealed is the reason when the buffer accepts nothing more, else nil.
	Sealed error
}

// ConsumerStats describes one consumer.
type ConsumerStats struct {
	// Position: every event up to it is settled or deferred.
	Position uint64
	// Pending counts events appended after the last one leased.
	Pending uint64
	// Leased counts events handed out and not yet settled.
	Leased int
	// Deferred counts events set aside.
	Deferred uint64
}
