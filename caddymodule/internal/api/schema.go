package api

import "time"

// SchemaDrift is what this version does not know of the events that were examined since counting began.
type SchemaDrift struct {
	// Names are at most 50 of a kind; Left counts what was found beyond them.
	Names []UnknownName `json:"names"`
	Left  uint64        `json:"left,omitempty"`
	// Events counts the examined events that have something of a kind.
	Events []DriftCount `json:"events"`
}

// UnknownName is a name that this version does not know.
type UnknownName struct {
	// Kind is event_type, signal_code, error_code or field.
	Kind string `json:"kind"`
	// Name is that of the type or code, or the field's path; (not shown) stands where it may be data.
	Name    string    `json:"name"`
	Events  uint64    `json:"events"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
}

// DriftCount counts examined events of a source.
type DriftCount struct {
	Source string `json:"source"`
	Kind   string `json:"kind"`
	Events uint64 `json:"events"`
}

// DriftKinds are all that Kind may be.
func DriftKinds() []string { return []string{"event_type", "signal_code", "error_code", "field"} }
