package replay

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Bounds of a filter: it is stored with its job each time that this has got further, and shown with it.
const (
	// MaxIDs bounds EventIDs and DeadLetters together.
	MaxIDs = 1000
	// MaxBytes bounds all texts together. A thousand UUIDs have 36,000 bytes.
	MaxBytes = 64 << 10
)

// FilterSizeError says that a filter is too large.
type FilterSizeError struct {
	// IDs and Bytes are what it has.
	IDs, Bytes int
}

// Error names the bound that does not hold.
func (e *FilterSizeError) Error() string {
	if e.IDs > MaxIDs {
		return fmt.Sprintf("filter: %d ids are too many: give at most %d, or pick by vehicle, type or time", e.IDs, MaxIDs)
	}
	return fmt.Sprintf("filter: %d bytes of ids and other texts are too many: give at most %d, "+
		"or pick by vehicle, type or time", e.Bytes, MaxBytes)
}

// Filter picks events or dead letters. Zero fields do not restrict; all others must
// hold.
type Filter struct {
	// EventIDs and DeadLetters: any one of these.
	EventIDs    []string              `json:"event_ids,omitempty"`
	DeadLetters []buffer.DeadLetterID `json:"dead_letters,omitempty"`
	// Source is the receiver's name; the others are what the envelope says.
	Source  string `json:"source,omitempty"`
	Vehicle string `json:"vehicle,omitempty"`
	Type    string `json:"type,omitempty"`
	Mode    string `json:"mode,omitempty"`
	Webhook string `json:"webhook,omitempty"`
	// Handler and Reason are those of dead letters.
	Handler string        `json:"handler,omitempty"`
	Reason  buffer.Reason `json:"reason,omitempty"`
	// Since is inclusive, Until exclusive. For events, the time at which they were
	// stored; for dead letters, the time of death.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// CheckEvents says what makes the filter unfit to pick events.
func (f *Filter) CheckEvents() error {
	switch {
	case len(f.DeadLetters) > 0:
		return fmt.Errorf("filter: ids of dead letters do not pick events: give event ids")
	case f.Reason != "":
		return fmt.Errorf("filter: reason %q does not pick events: only dead letters have one", f.Reason)
	case f.Handler != "":
		return fmt.Errorf("filter: handler %q does not pick events: only dead letters belong to a handler", f.Handler)
	}
	return f.check()
}

// UnknownReasonError says that a filter names a reason that no dead letter has.
type UnknownReasonError struct {
	Reason buffer.Reason
	Known  []buffer.Reason
}

// Error names the reasons that there are.
func (e *UnknownReasonError) Error() string {
	known := make([]string, len(e.Known))
	for i, r := range e.Known {
		known[i] = string(r)
	}
	return fmt.Sprintf("filter: there is no reason %q: it is one of %s", e.Reason, strings.Join(known, ", "))
}

// Reasons are those that a filter may name: all that a dead letter may have.
func Reasons() []buffer.Reason {
	return []buffer.Reason{
		buffer.ReasonRejected, buffer.ReasonExhausted, buffer.ReasonExpired, buffer.ReasonPoison, buffer.ReasonUnreadable,
		buffer.ReasonConflict,
	}
}

// CheckDeadLetters says what makes the filter unfit to pick dead letters.
func (f *Filter) CheckDeadLetters() error {
	if f.Reason != "" && !slices.Contains(Reasons(), f.Reason) {
		return &UnknownReasonError{Reason: f.Reason, Known: Reasons()}
	}
	return f.check()
}

func (f *Filter) check() error {
	if size := f.size(); size.IDs > MaxIDs || size.Bytes > MaxBytes {
		return &size
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return fmt.Errorf("filter: since %s is not before until %s", f.Since.Format(time.RFC3339), f.Until.Format(time.RFC3339))
	}
	return nil
}

func (f *Filter) size() FilterSizeError {
	size := FilterSizeError{IDs: len(f.EventIDs) + len(f.DeadLetters)}
	for _, text := range []string{f.Source, f.Vehicle, f.Type, f.Mode, f.Webhook, f.Handler, string(f.Reason)} {
		size.Bytes += len(text)
	}
	for _, id := range f.EventIDs {
		size.Bytes += len(id)
	}
	for _, id := range f.DeadLetters {
		size.Bytes += len(id)
	}
	return size
}

// Range is the part of an event filter that the buffer can apply by itself.
func (f *Filter) Range() buffer.Range { return buffer.Range{Since: f.Since, Until: f.Until} }

// MatchEvent reports whether an event that lies in Range is picked.
func (f *Filter) MatchEvent(e *buffer.Event) bool {
	return (f.Source == "" || e.Source == f.Source) &&
		(f.Vehicle == "" || e.VehicleID == f.Vehicle) &&
		(f.Type == "" || e.Type == f.Type) &&
		(f.Mode == "" || strings.EqualFold(e.Mode, f.Mode)) &&
		(f.Webhook == "" || e.WebhookID == f.Webhook) &&
		(len(f.EventIDs) == 0 || slices.Contains(f.EventIDs, e.ID))
}

// MatchDeadLetter reports whether a dead letter is picked.
func (f *Filter) MatchDeadLetter(l *buffer.DeadLetter) bool {
	return (f.Handler == "" || l.Handler == f.Handler) &&
		(f.Reason == "" || l.Reason == f.Reason) &&
		(f.Since.IsZero() || !l.DiedAt.Before(f.Since)) &&
		(f.Until.IsZero() || l.DiedAt.Before(f.Until)) &&
		(len(f.DeadLetters) == 0 || slices.Contains(f.DeadLetters, l.ID)) &&
		f.MatchEvent(&l.Event)
}
