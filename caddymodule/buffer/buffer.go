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
//  4. Settled events stay until retention ends; unsettled ones are never trimmed while
//     their consumer has a handler.
//  5. After a failed write nothing half-written is ever read back. A failed sync
//     halts the buffer until it is opened anew.
//  6. Contents are readable after a crash at any instant.
package buffer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Errors that a buffer returns, wrapped. All of them mean: not stored, answer 503.
var (
	// ErrClosed: the buffer was closed; an append after it stores nothing.
	ErrClosed = errors.New("buffer is closed")
	// ErrFull: the size limit or the disk's headroom is reached.
	ErrFull = errors.New("buffer is full")
	// ErrNoSpace is the ErrFull that is due to the disk and not to what is stored.
	ErrNoSpace = fmt.Errorf("%w: the disk is short of space", ErrFull)
	// ErrHalted: a write or sync failed, so nothing more is accepted until the
	// buffer is opened anew (restart Caddy when the disk is well again).
	ErrHalted = errors.New("buffer is halted after a failed write")
)

// Errors of the methods that an operator's questions lead to, wrapped.
var (
	// ErrNotFound: there is no such event, dead letter or consumer.
	ErrNotFound = errors.New("not found")
	// ErrInUse: the consumer is open, so it cannot be forgotten.
	ErrInUse = errors.New("consumer is in use")
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

	// CreateConsumers creates those of the consumers that are new, durably and in one
	// step, each where its Start says.
	CreateConsumers(ctx context.Context, specs ...ConsumerSpec) error

	// Consumer opens the named consumer, creating it with StartDefault when it is new.
	// Only one of a name may be open.
	Consumer(ctx context.Context, name string) (Consumer, error)

	// Consumers describes every consumer there is, open or not, by name.
	Consumers(ctx context.Context) ([]ConsumerInfo, error)

	// KeepConsumers says which consumers have a handler from now on. All others become
	// orphans, durably: an orphan holds back trimming until Retention has passed since
	// then, or until events would be refused for want of room, whichever is earlier, but
	// for 15 minutes in any case, in which Append may fail with ErrFull for its sake. What
	// it loses is logged. One that is named again is no orphan any more.
	KeepConsumers(ctx context.Context, names ...string) error

	// PauseConsumer remembers durably whether a person has paused the consumer. The
	// buffer itself does nothing else about it.
	PauseConsumer(ctx context.Context, name string, paused bool) error

	// ForgetConsumer removes a consumer with its position, its deferred events and its
	// memos; its dead letters stay. What it alone held back can be trimmed at once.
	// ErrInUse while it is open, ErrNotFound when there is none.
	ForgetConsumer(ctx context.Context, name string) error

	// Events yields stored events in a range. An event that is damaged yields its
	// Position with an error, and the next one follows.
	Events(ctx context.Context, r Range) iter.Seq2[Event, error]

	// Event returns the stored event at a position, or ErrNotFound.
	Event(ctx context.Context, position uint64) (Event, error)

	// Lookup returns the position of the event with this source and id, as far back as
	// the dedupe window goes, or ErrNotFound. The event itself may be trimmed already.
	Lookup(ctx context.Context, source, id string) (uint64, error)

	// States says where the event at a position stands with each consumer, by name. It is
	// ErrNotFound for a position that was never given; a trimmed event has its states still.
	States(ctx context.Context, position uint64) ([]State, error)

	// DeadLetters yields the dead letters behind one, oldest first; "" yields all. One
	// that cannot be read yields an error, and the next one follows.
	DeadLetters(ctx context.Context, after DeadLetterID) iter.Seq2[DeadLetter, error]

	// DeadLetter returns one, or ErrNotFound.
	DeadLetter(ctx context.Context, id DeadLetterID) (DeadLetter, error)

	// DropDeadLetters removes dead letters for good and returns how many there were. A text
	// that is no id is ErrNotFound, and nothing is removed; one that no letter has is passed over.
	DropDeadLetters(ctx context.Context, ids ...DeadLetterID) (int, error)

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
	// Halted is the reason when the buffer accepts nothing more, else nil.
	Halted error
	// Full is the reason, with ErrFull in it, when there is no room just now: for any
	// event, or for one as large as the last that was refused. Else nil.
	Full error
	// FileSystem names what the buffer lies on, "" where that is not known. SyncMedian and SyncMax are how long a small
	// write and its sync took when the buffer was opened, 0 where and as long as that is not measured.
	FileSystem          string
	SyncMedian, SyncMax time.Duration
}
