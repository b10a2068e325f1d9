package buffer

import (
	"context"
	"time"
)

// Recoverer is what a buffer is that sets damaged files aside, see Stats.Damaged.
type Recoverer interface {
	// RecoverDamaged appends the events again that can be read in files that were set aside: each vehicle's in their
	// order. Those that the buffer knows, by source and id, and can read are left alone, so it may be called again
	// after an error.
	// With dryRun it only counts. The files stay. Where none of them is a file of events, nothing can be recovered, and
	// Damaged.RecoveredAt stays zero. ErrNotFound where there is nothing of that name.
	RecoverDamaged(ctx context.Context, name string, dryRun bool) (Recovered, error)
}

// Recovered is what came of it.
type Recovered struct {
	// Readable counts the events that can be read. Of these, Stored are stored anew and Known were known.
	Readable, Stored, Known uint64
	// Unreadable counts the events that cannot be read, as far as it can be seen that there were some.
	Unreadable uint64
	// Oldest and Newest are when the first and the last of the readable ones were received; zero without any.
	Oldest, Newest time.Time
}
