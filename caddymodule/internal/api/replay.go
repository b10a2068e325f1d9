package api

import "time"

// ReplayRequest is the body of POST /smartcar/replays.
type ReplayRequest struct {
	Handler string   `json:"handler"`
	Filter  Filter   `json:"filter"`
	All     bool     `json:"all"`
	Rate    *float64 `json:"rate,omitempty"`
	DryRun  bool     `json:"dry_run"`
}

// DeadLetterReplayRequest is the body of POST /smartcar/dead-letters/replay.
type DeadLetterReplayRequest struct {
	Filter Filter   `json:"filter"`
	All    bool     `json:"all"`
	Rate   *float64 `json:"rate,omitempty"`
	DryRun bool     `json:"dry_run"`
}

// Replay is one replay.
type Replay struct {
	ID      string `json:"id"`
	Handler string `json:"handler"`
	// Kind is events or dead_letters.
	Kind string `json:"kind"`
	// State is running, stopped, done or failed.
	State  string `json:"state"`
	Error  string `json:"error,omitempty"`
	Filter Filter `json:"filter"`
	// Rate in events a second.
	Rate      float64   `json:"rate"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	// Share of the way that is done, 0 to 1.
	Share float64 `json:"share"`
	// The positions are those of a replay of events, Total that of one of dead letters.
	FirstPosition uint64 `json:"first_position,omitempty"`
	LastPosition  uint64 `json:"last_position,omitempty"`
	Position      uint64 `json:"position,omitempty"`
	Total         uint64 `json:"total,omitempty"`
	Fed           uint64 `json:"fed"`
	Open          uint64 `json:"open"`
	Unwanted      uint64 `json:"unwanted"`
	Damaged       uint64 `json:"damaged"`
	// Gone counts dead letters that were no longer there: another replay put them back, or they were dropped.
	Gone uint64 `json:"gone"`
}

// DeadLetterReplay is what comes of replaying dead letters: a replay for each handler,
// and what became of those that were unreadable.
type DeadLetterReplay struct {
	Replays []Replay `json:"replays"`
	Reread  Reread   `json:"reread"`
}

// Reread counts the dead letters of no handler that were read anew.
type Reread struct {
	Readable   int `json:"readable"`
	Unreadable int `json:"unreadable"`
}
