// Package buffer is the contract between the receiver, which stores events, and dispatch, which delivers them. An
// engine below it (package disk) must pass the suite in package buffertest.
//
// What every buffer promises:
//
//  1. Append returns nil only when the event is durable. Concurrent appends share one sync.
//  2. Append finds a duplicate by (Source, ID) atomically with the write, within the buffer's dedupe window.
//  3. Each consumer reads from its own durable position, leases events, and settles them or sets them aside for later.
//     A crash gives back what was leased and not settled, and nothing else.
//  4. Settled events stay until retention ends; unsettled ones are never trimmed while their consumer has a handler.
//  5. After a failed write nothing half-written is ever read back. A failed sync halts the buffer until it is opened
//     anew.
//  6. Contents are readable after a crash at any instant.
package buffer

import (
	"errors"
	"fmt"
	"io/fs"
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
	// ErrHalted: a write or sync failed, so nothing more is accepted until the buffer is opened anew (restart Caddy
	// when the disk is well again).
	ErrHalted = errors.New("buffer is halted after a failed write")
	// ErrOtherBuffer is an error of opening: the place has another buffer than it had, or none. See Accepter.
	ErrOtherBuffer = errors.New("not the buffer that was here before")
	// ErrLocked: it cannot be opened, since another process has it open.
	ErrLocked = errors.New("another process has the buffer open")
)

// Errors of the methods that answer an operator's questions, wrapped.
var (
	// ErrNotFound: there is no such event, dead letter or consumer.
	ErrNotFound = errors.New("not found")
	// ErrInUse: the consumer is open, so it cannot be forgotten.
	ErrInUse = errors.New("consumer is in use")
)

// Buffer stores events and hands them to consumers. All methods are safe for concurrent use.
type Buffer interface {
	Appender
	Reader
	Consumers
	DeadLetters

	// Stats is cheap enough to be called once a second.
	Stats() Stats

	// Limits are those in force.
	Limits() Limits

	// Close waits for appends under way, releases everything, and makes every later call fail with ErrClosed. It may be
	// called twice.
	Close() error
}

// Limits bound what a buffer stores. A zero field is a limit that the buffer does not have.
type Limits struct {
	// Retention is how long events stay for replay once every consumer has settled them.
	Retention time.Duration
	// MaxSize bounds in bytes what is stored. When events that are not settled fill it, Append fails with ErrFull.
	MaxSize uint64
	// DedupeWindow is how long the id of an event is remembered.
	DedupeWindow time.Duration
	// DeadLetterRetention is how long dead letters stay.
	DeadLetterRetention time.Duration
	// Headroom in bytes: Append fails with ErrNoSpace while the disk has less free space.
	Headroom uint64
}

// Stats describes the buffer as a whole.
type Stats struct {
	// Path is the directory on this machine, "" where there is none.
	Path string
	// First and Last are the positions of the oldest stored event and of the newest one; both 0 when there never was
	// one.
	First, Last uint64
	// DeadLetters counts those stored.
	DeadLetters uint64
	// Bytes on disk, as the engine accounts for them.
	Bytes uint64
	// Oldest is when the oldest event was stored, zero where there is none.
	Oldest time.Time
	// Syncs, Appended, Duplicates and Corrupt count since the buffer was opened, and so do Unreadable and Conflicts:
	// the dead letters of no handler that were made, by their reason.
	Syncs, Appended, Duplicates, Corrupt, Unreadable, Conflicts uint64
	// Room is about how many bytes more can be stored until Append fails with ErrFull, by the less of what MaxSize and
	// the disk allow. What every consumer has settled counts as room, since it gives way. nil where that is not known.
	Room *uint64
	// Halted is the reason when the buffer accepts nothing more, else nil.
	Halted error
	// Full is the reason, with ErrFull in it, when there is no room just now: for any event, or for one as large as the
	// last that was refused. Else nil.
	Full error
	// Writing is for how long the write and sync under way have been waited for, 0 where there are none. Appends that come
	// meanwhile wait for them, so much of it says that the disk hangs.
	Writing time.Duration
	// ClockJump is the jump of the system's clock that the buffer does not believe yet. Nothing is deleted for its age
	// until then.
	ClockJump ClockJump
	// FileSystem names what the buffer lies on, "" where that is not known. SyncMedian and SyncMax are how long a small
	// write and its sync took when the buffer was opened, 0 where and as long as that is not measured.
	FileSystem          string
	SyncMedian, SyncMax time.Duration
	// DiskBytes is the size of the whole disk, 0 where that is not known.
	DiskBytes uint64
	// FolderMode has the permissions of the directory while others than its owner have a way in, else 0.
	FolderMode fs.FileMode
	// Damaged are the files that were set aside since they were damaged, oldest first.
	Damaged []Damaged
	// ControlLost: when the buffer was opened, what it goes by to tell damage to its newest events from what a crash
	// leaves was missing or damaged. Such events may be missing without a word.
	ControlLost bool
}

// Damaged describes files of a buffer that were damaged, and set aside so that receiving could go on. The buffer deletes
// none of them by itself.
type Damaged struct {
	// What the files are; "" where that is not known.
	What DamagedPart
	// Name is that of the folder that holds them, and Folder its whole path.
	Name, Folder string
	// At is when they were set aside, zero where that is not known.
	At time.Time
	// Why is what was found, in one line; "" where that is not known.
	Why string
	// RecoveredAt is when what can be read in them was stored anew, zero before; see Recoverer. Missing is how many events
	// were not among that.
	RecoveredAt time.Time
	Missing     uint64
	// Files is how many there are, and Bytes their size. Limits.MaxSize does not count them.
	Files int
	Bytes uint64
}

// DamagedPart is a part of a buffer.
type DamagedPart string

// The parts.
const (
	// DamagedLog are files of events. What can be read of them is delivered, the rest is among the dead letters.
	DamagedLog DamagedPart = "log"
	// DamagedChanges are changes in the log of events that the store did not have yet. There is no file of them.
	// Handlers may get events again, and dead letters, pauses and ids of that time may be missing.
	DamagedChanges DamagedPart = "changes"
	// DamagedStore is all that is known of the events. It was built anew from the log: handlers may get events again, and
	// dead letters, pauses and ids older than the log may be missing.
	DamagedStore DamagedPart = "store"
	// DamagedAll is the whole buffer. What it holds is not delivered.
	DamagedAll DamagedPart = "all"
)

// ClockJump is a jump of the system's clock; the zero value is none.
type ClockJump struct {
	// By is how far the clock is ahead of where it should be; negative: behind.
	By time.Duration
	// Left is for how long it must still be steady until the buffer goes by it again.
	Left time.Duration
}
