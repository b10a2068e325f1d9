package buffer

import (
	"context"
	"time"
)

// Consumers creates, opens, describes and removes consumers.
type Consumers interface {
	// CreateConsumers creates those of the consumers that are new, durably and in one step, each where its Start says.
	CreateConsumers(ctx context.Context, specs ...ConsumerSpec) error

	// Consumer opens the named consumer, creating it with StartDefault when it is new. Only one of a name may be open.
	Consumer(ctx context.Context, name string) (Consumer, error)

	// Consumers describes every consumer there is, open or not, by name.
	Consumers(ctx context.Context) ([]ConsumerInfo, error)

	// KeepConsumers says which consumers have a handler from now on. All others become orphans, durably: an orphan
	// holds back trimming until Retention has passed since then, or until events would be refused for want of room,
	// whichever is earlier, but for 15 minutes in any case, in which Append may fail with ErrFull for its sake. What it
	// loses is logged. One that is named again is no orphan any more.
	KeepConsumers(ctx context.Context, names ...string) error

	// PauseConsumer remembers durably whether somebody has paused the consumer. The buffer does nothing else about it.
	PauseConsumer(ctx context.Context, name string, paused bool) error

	// ForgetConsumer removes a consumer with its position, its deferred events and its memos; its dead letters stay.
	// What it alone held back can be trimmed at once. ErrInUse while it is open, ErrNotFound when there is none.
	ForgetConsumer(ctx context.Context, name string) error

	// Roster tells which consumers there are, for RestoreRoster.
	Roster(ctx context.Context) (Roster, error)

	// RestoreRoster undoes, durably and in one step, what CreateConsumers, Consumer and KeepConsumers have done since
	// the roster was taken. A consumer that is not in it is removed, as by ForgetConsumer; those in it are orphans, or
	// none, since when they were then. One that has been forgotten meanwhile stays so, and nobody's position changes.
	// ErrInUse, and nothing is done, while one that has to go is open.
	RestoreRoster(ctx context.Context, roster Roster) error
}

// ConsumerStats describes one consumer.
type ConsumerStats struct {
	// Position: every event up to it is settled or deferred.
	Position uint64
	// Seen: every event up to it was leased since the consumer was opened, or is settled or deferred. It counts what a
	// Lease call under way is about to return.
	Seen uint64
	// Pending counts events appended after the last one leased.
	Pending uint64
	// Leased counts events handed out and not yet settled.
	Leased int
	// Deferred counts events set aside.
	Deferred uint64
}

// Waiting counts the events that are not settled, of a consumer that nobody reads from.
func (s *ConsumerStats) Waiting() uint64 { return s.Pending + uint64(max(0, s.Leased)) + s.Deferred }

// ConsumerInfo describes a consumer for people.
type ConsumerInfo struct {
	Name string
	ConsumerStats
	// Open: somebody reads from it.
	Open bool
	// Oldest is when the oldest event that is not settled was stored; zero when all are.
	Oldest time.Time
	// PausedSince and OrphanedSince are zero when it is neither; see PauseConsumer and KeepConsumers.
	PausedSince, OrphanedSince time.Time
	// LetGoAt is when an orphan stops holding back trimming, as far as is known now; earlier when room is needed.
	LetGoAt time.Time
}
