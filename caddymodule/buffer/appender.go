package buffer

import "context"

// Appender stores events.
type Appender interface {
	// Append stores e and returns when it is durable. e.Position is ignored. The buffer does not keep e or e.Body after
	// it returned. A duplicate of a stored event is nil with Receipt.Duplicate; a duplicate of an event whose sync is
	// under way waits for that sync. When ctx ends first, Append returns ctx's error, and the event may or may not have
	// been stored: the sender must send it again. An event with Unreadable set goes to the dead letters of no handler
	// instead of to the consumers. So does one whose Digest differs from that of the stored event under its id, unless
	// it can be read and the stored one cannot.
	Append(ctx context.Context, e *Event) (Receipt, error)
}

// Receipt says what became of an appended event.
type Receipt struct {
	// Position of the stored event, or of the one that it duplicates.
	Position uint64
	// Duplicate: an event with this source and id is already stored.
	Duplicate bool
	// Differs: a duplicate whose Digest is not that of the stored event. Kept: it is a dead letter of no handler, with
	// ReasonConflict. Of one id, a few are kept.
	Differs, Kept bool
}
