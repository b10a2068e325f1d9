package buffer

import "time"

// Roster is which consumers a buffer has at one moment, and which of them are orphans.
type Roster struct {
	// Ever: the buffer has a consumer, or has had one; see StartDefault.
	Ever bool
	// Consumers are all that there are, by name.
	Consumers map[string]Orphanhood
}

// Orphanhood says since when a consumer has no handler; the zero value: it has one.
type Orphanhood struct {
	Since time.Time
	// Last is the newest position then. What came later was never meant for it.
	Last uint64
}
