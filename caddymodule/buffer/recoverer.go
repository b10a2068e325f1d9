package buffer

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotRecovered says that files may hold events which were not recovered yet.
	ErrNotRecovered = errors.New("what can be read in damaged files was not recovered yet")
	// ErrRecovering says that files are being recovered just now.
	ErrRecovering = errors.New("damaged files are being recovered just now: try again when that is done")
)

// Recoverer is what a buffer is that sets damaged files aside, see Stats.Damaged.
type Recoverer interface {
	// RecoverDamaged gives back what can be read in files that were set aside. Events are appended again, each vehicle's
	// in their order; those that were dead letters of no handler become dead letters again. A dead letter whose event is
	// older than the files of events is put back as it was. What the buffer knows, by source and id, and can read is left
	// alone, so it may be called again after an error.
	// With dryRun it only counts. The files stay. In a DamagedStore there is nothing to recover, and Damaged.RecoveredAt
	// stays zero. Errors: ErrNotFound where there is nothing of that name, ErrRecovering.
	RecoverDamaged(ctx context.Context, name string, dryRun bool) (Recovered, error)
	// RemoveDamaged deletes files that were set aside, for good. Errors: ErrNotFound, ErrRecovering; ErrNotRecovered where
	// events may be in them that nobody has recovered, unless force is set.
	RemoveDamaged(ctx context.Context, name string, force bool) error
}

// Recovered is what came of it.
type Recovered struct {
	// Readable counts the events that can be read. Of these, Stored are stored anew and Known were known.
	Readable, Stored, Known uint64
	// Letters counts those of the readable ones that come back as dead letters.
	Letters uint64
	// Missing counts the events that the files should hold, by all that is known, and that cannot be read. Handlers may
	// have had them.
	Missing uint64
	// LettersLost: dead letters whose events are older than the files of events may be missing too, and nobody can tell
	// how many: the store cannot be read that had them.
	LettersLost bool
	// Oldest and Newest are when the first and the last of the readable ones were received; zero without any.
	Oldest, Newest time.Time
}

// Recoverable reports whether events may be in them that were not recovered yet.
func (d *Damaged) Recoverable() bool {
	return d.RecoveredAt.IsZero() && d.Files > 0 && d.What != DamagedStore
}
