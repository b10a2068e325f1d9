package fleet

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Event is something that happened to a vehicle. It does not change.
type Event struct {
	// Seq counts the events of the fleet from 1, in the order in which they happened.
	Seq int
	// ID and VehicleID are Smartcar's, Vehicle is the vehicle's number in the fleet, from 1.
	ID, VehicleID string
	Vehicle       int

	sample   smartcar.Sample // without what follows
	recorded time.Time
	signals  []smartcar.Signal
	triggers []smartcar.Trigger
	errors   []smartcar.VehicleError
}

// Type is VEHICLE_STATE or VEHICLE_ERROR.
func (e *Event) Type() string {
	if e.errors != nil {
		return smartcar.TypeVehicleError
	}
	return smartcar.TypeVehicleState
}

// maxNames is how many signals a Summary names.
const maxNames = 2

// Summary says in a few words what happened, without values: "IsCharging, Range and 3 more" or "UNREACHABLE resolved".
func (e *Event) Summary() string {
	var words []string
	for _, failure := range e.errors {
		word := failure.Type
		if failure.Code != "" {
			word = failure.Code
		}
		if failure.Resolved() {
			word += " resolved"
		}
		words = append(words, word)
	}
	for _, t := range e.triggers {
		if t.Type == smartcar.TriggerFirstDelivery {
			words = append(words, "first delivery")
			continue
		}
		words = append(words, t.Signal.Name)
	}
	if more := len(words) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:maxNames], ", "), more)
	}
	return strings.Join(words, ", ")
}

// Kind is why a delivery is made.
type Kind int

// The kinds.
const (
	// OnTime is the first and usual one.
	OnTime Kind = iota
	// Again is of an event that was delivered before.
	Again
	// Late is of an event whose attempts before got lost on their way.
	Late
	// Overtaken comes after the vehicle's next event.
	Overtaken
)

// Delivery is one attempt to deliver an event.
type Delivery struct {
	*Event
	// At is when it is made, since the start of the fleet.
	At   time.Duration
	Kind Kind
	// Attempt is Smartcar's, 1 to 4.
	Attempt int

	id string
}

// Body is what Smartcar would send at a time: the delivery's own id and time beside what stays the same.
func (d Delivery) Body(now time.Time) []byte {
	s := d.sample
	s.DeliveryID, s.DeliveredAt = d.id, now
	s.Signals, s.Triggers, s.Errors = d.signals, d.triggers, d.errors
	if d.errors != nil {
		return s.VehicleError()
	}
	return s.VehicleState()
}
