package api

import "time"

// Vehicle is what is known of a vehicle of a source. Times that are not known are left out.
type Vehicle struct {
	Source string `json:"source"`
	ID     string `json:"id"`
	// LastEventAt is when the last event was received, and the next three of which type it was.
	LastEventAt time.Time `json:"last_event_at"`
	LastStateAt time.Time `json:"last_state_at,omitzero"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
	LastOtherAt time.Time `json:"last_other_at,omitzero"`
	// NewestReadingAt is the latest time of a reading, by the vehicle's maker.
	NewestReadingAt time.Time `json:"newest_reading_at,omitzero"`
	// OpenErrors were told by VEHICLE_ERRORs, and not resolved since.
	OpenErrors []OpenError `json:"open_errors"`
}

// OpenError is an error of a vehicle that was not resolved.
type OpenError struct {
	Type string `json:"type"`
	// Code and Resolution are left out where Smartcar says null.
	Code string `json:"code,omitempty"`
	// Resolution is the type of what helps, such as REAUTHENTICATE.
	Resolution string    `json:"resolution,omitempty"`
	Since      time.Time `json:"since"`
	LastAt     time.Time `json:"last_at"`
}

// VehiclePage is one page of vehicles.
type VehiclePage struct {
	Page[Vehicle]
	// Behind counts the events that have yet to be read from the buffer: what is known may be older by as many.
	Behind uint64 `json:"behind_events,omitempty"`
}

// Vehicles is how things stand with what is known of vehicles.
type Vehicles struct {
	// State is opening, kept, behind (earlier events are still being read), failed or off.
	State string `json:"state"`
	Why   string `json:"why,omitempty"`
	// Behind is that of VehiclePage.
	Behind uint64 `json:"behind_events,omitempty"`
	// CountedAt is when the vehicles of Sources were counted, missing before they were.
	CountedAt   time.Time         `json:"counted_at,omitzero"`
	SilentAfter float64           `json:"silent_after_seconds"`
	Sources     []VehicleCounts   `json:"sources"`
	Errors      []VehicleErrCount `json:"errors"`
}

// VehicleCounts counts the vehicles of a source.
type VehicleCounts struct {
	Source string `json:"source"`
	// Vehicles are those that are known, InError those with open errors, Silent those that nothing was heard of for
	// SilentAfter.
	Vehicles int `json:"vehicles"`
	InError  int `json:"in_error"`
	Silent   int `json:"silent"`
	// Lately are those that something was heard of within SilentAfter and a week, LatelySilent the silent ones of them.
	Lately       int       `json:"lately"`
	LatelySilent int       `json:"lately_silent"`
	LastEventAt  time.Time `json:"last_event_at,omitzero"`
}

// VehicleErrCount counts what VEHICLE_ERRORs told since counting began.
type VehicleErrCount struct {
	Source string `json:"source"`
	// Type and Code are documented ones, or other; no code is null. State is ERROR, RESOLVED or other.
	Type  string `json:"type"`
	Code  string `json:"code,omitempty"`
	State string `json:"state"`
	Count uint64 `json:"count"`
}
