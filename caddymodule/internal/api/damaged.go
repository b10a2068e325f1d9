package api

import "time"

// Recovered is what came of recovering damaged files that were set aside.
type Recovered struct {
	Name string `json:"name"`
	// DryRun: nothing was stored.
	DryRun bool `json:"dry_run"`
	// Readable counts the events that can be read. Of these, Stored are stored anew and Known were known.
	Readable uint64 `json:"readable"`
	Stored   uint64 `json:"stored"`
	Known    uint64 `json:"known"`
	// DeadLetters counts those of the readable ones that come back as dead letters.
	DeadLetters uint64 `json:"dead_letters"`
	// Missing counts the events that the files should hold, by all that is known, and that cannot be read.
	Missing uint64 `json:"missing"`
	// DeadLettersLost: dead letters whose events are older than the files of events may be missing too.
	DeadLettersLost bool `json:"dead_letters_lost"`
	// Oldest and Newest are when the first and the last of the readable ones were received.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
}

// DamagedRemoved names the damaged files that were deleted.
type DamagedRemoved struct {
	Removed string `json:"removed"`
}
