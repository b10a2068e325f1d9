package api

import "time"

// States of a handler that the engine does not run.
const (
	// StateRemoved: it is in no handlers file any more.
	StateRemoved = "removed"
	// StateStarting and StateStopping: it is not at work yet, or no more.
	StateStarting = "starting"
	StateStopping = "stopping"
)

// Handler is one handler of the handlers file, and how it stands.
type Handler struct {
	Name  string `json:"name"`
	Place string `json:"place"`
	// State is ok, waiting, probing, breaker-open, paused, draining, down, failing,
	// starting or stopping.
	State       string        `json:"state"`
	PausedSince time.Time     `json:"paused_since,omitzero"`
	Plugin      Plugin        `json:"plugin"`
	Behind      Behind        `json:"behind"`
	InFlight    int           `json:"in_flight"`
	Suspects    int           `json:"suspects"`
	Retrying    Retrying      `json:"retrying"`
	Breaker     Breaker       `json:"breaker"`
	Counts      HandlerCounts `json:"counts"`
	// Totals is nil for a handler that the engine does not run.
	Totals *HandlerTotals `json:"totals,omitempty"`
	// LastError is what is wrong now; while events wait for another attempt, what was said of the last one.
	LastError string `json:"last_error,omitempty"`
	// Conditions are the trouble that its plugin reports, which belongs to no event.
	Conditions []Condition `json:"conditions,omitempty"`
	// Mistaken: it is down because of a mistake in the handlers files, which LastError says.
	Mistaken bool `json:"mistaken,omitempty"`
	// Bundled: its plugin is one of those that ship with the binary, and what it says are words of this project.
	Bundled bool `json:"-"`
}

// Plugin is the process of a handler.
type Plugin struct {
	// Program is what the handlers file names: a plugin that is compiled in, or the file name of an executable. Name
	// and Version are what the process says of itself.
	Program       string    `json:"program,omitempty"`
	Name          string    `json:"name,omitempty"`
	Version       string    `json:"version,omitempty"`
	Up            bool      `json:"up"`
	PID           int       `json:"pid,omitempty"`
	Since         time.Time `json:"since,omitzero"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Restarts      int       `json:"restarts"`
	LastError     string    `json:"last_error,omitempty"`
}

// Condition is trouble that a plugin reports until it is over.
type Condition struct {
	Name string `json:"name"`
	// Text says what is wrong, Advice what to do. They are the plugin's own words, on one line each.
	Text   string `json:"text"`
	Advice string `json:"advice,omitempty"`
	// Since is when Caddy first heard of it.
	Since time.Time `json:"since"`
}

// Behind says how far a handler is behind: events that are not settled, and the
// age of the oldest of them.
type Behind struct {
	Events  uint64    `json:"events"`
	Seconds float64   `json:"seconds"`
	Oldest  time.Time `json:"oldest,omitzero"`
}

// Retrying counts the lanes that wait for another attempt, and the events in them.
type Retrying struct {
	Lanes int `json:"lanes"`
	// Parked are those of the lanes that nothing is done about until a time, such as that of the next attempt.
	Parked  int       `json:"parked"`
	Events  uint64    `json:"events"`
	NextDue time.Time `json:"next_due,omitzero"`
}

// Breaker is the state of a handler's circuit breaker: closed, open or half-open.
type Breaker struct {
	State string    `json:"state"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Why   string    `json:"why,omitempty"`
}

// HandlerCounts counts since the handler was started, by Caddy's start, a reload that changed it, or a restart.
type HandlerCounts struct {
	Delivered uint64 `json:"delivered"`
	Skipped   uint64 `json:"skipped"`
	Retried   uint64 `json:"retried"`
	Dead      uint64 `json:"dead"`
	// Rejected, Exhausted, Poisoned and Expired are the dead by their reason.
	Rejected  uint64 `json:"rejected"`
	Exhausted uint64 `json:"exhausted"`
	Poisoned  uint64 `json:"poisoned"`
	Expired   uint64 `json:"expired"`
	Replayed  uint64 `json:"replayed"`
	Stale     uint64 `json:"stale_signals"`
	Future    uint64 `json:"future_signals"`
	Downs     uint64 `json:"downs"`
}

// HandlerTotals counts since this process first used the buffer, over reloads and restarts of the handler.
type HandlerTotals struct {
	HandlerCounts
	// Restarts counts starts of its plugin beyond those that Caddy's start, a reload or an operator made; Crashes the
	// times that it ended by itself, or was killed since it did not answer.
	Restarts uint64 `json:"plugin_restarts"`
	Crashes  uint64 `json:"plugin_crashes"`
}

// RemovedHandler is a handler that is in no handlers file any more, but not forgotten.
type RemovedHandler struct {
	Name string `json:"name"`
	// State is removed.
	State       string    `json:"state"`
	Behind      Behind    `json:"behind"`
	RemovedAt   time.Time `json:"removed_at,omitzero"`
	PausedSince time.Time `json:"paused_since,omitzero"`
	// LetGoAt is when its backlog stops holding back trimming; earlier when room is needed.
	LetGoAt time.Time `json:"let_go_at,omitzero"`
}

// Forgotten names the handler that was forgotten.
type Forgotten struct {
	Forgotten string `json:"forgotten"`
}
