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
	// Unreadable counts those that cannot be read, as far as it can be seen that there were some.
	Unreadable uint64 `json:"unreadable"`
	// Oldest and Newest are when the first and the last of the readable ones were received.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
}
