package smartcar

import (
	"encoding/json"
	"log/slog"
	"time"
)

// Event is a whole event. A field is empty if the body does not have it or has a value of another type there; only the
// rules of the envelope make an event unreadable.
type Event struct {
	Envelope
	// WebhookName is free text, chosen by whoever made the webhook.
	WebhookName string
	// Sequence is meta.sequence, a number or a string that spells one: a tie-break
	// between readings of equal age; 0 in events without one.
	Sequence int64
	// SignalCount is meta.signalCount; it may differ from the number of Signals.
	SignalCount int
	User        User
	Vehicle     Vehicle
	// Triggers are the reasons why a VEHICLE_STATE was sent.
	Triggers []Trigger
	// Signals are all signals that the webhook asks for, changed or not.
	Signals []Signal
	// Errors are those of a VEHICLE_ERROR, new or resolved.
	Errors []VehicleError
	// Legacy is what only version 2.0 has; nil in version 4.
	Legacy *Legacy
}

// User is the owner of the vehicle, as Smartcar knows them.
type User struct {
	ID string
	// ExternalID is the id that the application gave the user.
	ExternalID string
}

// Vehicle is the vehicle that an event is about.
type Vehicle struct {
	// ID is that of the envelope.
	ID    string
	Make  string // in capitals, such as VOLVO
	Model string
	Year  int
	// VIN is only in older events; newer ones have the signal
	// vehicleidentification-vin.
	VIN string
	// Mode is live or test; the envelope's Mode is another field.
	Mode string
	// PowertrainType is, for instance, BEV.
	PowertrainType string
}

// The types of triggers; treat them as an open set.
const (
	// TriggerSignalUpdated means that the signal of the trigger has changed.
	TriggerSignalUpdated = "SIGNAL_UPDATED"
	// TriggerFirstDelivery marks the first event after the vehicle was subscribed or the webhook switched on again. It
	// has all signals and means no change.
	TriggerFirstDelivery = "FIRST_DELIVERY"
)

// Trigger is a reason why a VEHICLE_STATE was sent.
type Trigger struct {
	Type   string
	Signal SignalRef // of a SIGNAL_UPDATED
}

// SignalRef names a signal.
type SignalRef struct {
	// Code is the one to rely on, such as charge-ischarging. If an event has only Group and Name, it is made from them.
	Code string
	// Name and Group are such as IsCharging and Charge.
	Name, Group string
}

// The values of Signal.Status; treat them as an open set.
const (
	StatusSuccess = "SUCCESS"
	StatusError   = "ERROR"
	// StatusUnavailable is a reading that the vehicle does not give now.
	StatusUnavailable = "UNAVAILABLE"
)

// Signal is one signal of a VEHICLE_STATE.
type Signal struct {
	SignalRef
	// Body is the reading as JSON, nil if there is none. Its shape depends on the signal; most are an object with
	// "value" and "unit", see Number, Bool, Text and Unit. A signal that failed may have a body from before.
	Body json.RawMessage
	// OEMUpdatedAt is when the vehicle's maker recorded the reading, which gives the order of readings; zero if
	// unknown, as are numbers that are too small for milliseconds. It may be wrong: some clocks of cars are ahead.
	OEMUpdatedAt time.Time
	// RetrievedAt is when Smartcar fetched it, zero if unknown too.
	RetrievedAt time.Time
	// Status is SUCCESS, ERROR or UNAVAILABLE. In older events, which have none, it is SUCCESS if there is a body and no
	// error.
	Status string
	// Error is why there is no reading; nil if there is one.
	Error *SignalError
}

// Failed reports whether the signal could not be read: only SUCCESS is a reading, or no status at all.
func (s Signal) Failed() bool { return s.Status != "" && s.Status != StatusSuccess || s.Error != nil }

// Number returns the "value" of the body if it is a number.
func (s Signal) Number() (float64, bool) { return bodyValue[float64](s.Body) }

// Bool returns the "value" of the body if it is true or false.
func (s Signal) Bool() (value, ok bool) { return bodyValue[bool](s.Body) }

// Text returns the "value" of the body if it is a string.
func (s Signal) Text() (string, bool) { return bodyValue[string](s.Body) }

// Unit returns the "unit" of the body, such as percent or km, "" if there is none.
func (s Signal) Unit() string {
	var body struct{ Unit text }
	_ = json.Unmarshal(s.Body, &body)
	return string(body.Unit)
}

func bodyValue[T any](body json.RawMessage) (value T, ok bool) {
	var in struct{ Value *T }
	if err := json.Unmarshal(body, &in); err != nil || in.Value == nil {
		return value, false
	}
	return *in.Value, true
}

// Legacy is the payload of an event of version 2.0.
type Legacy struct {
	// EventType and EventTime are those of an eventBased event, such as
	// CHARGING_STARTED.
	EventType string
	EventTime time.Time
	// Vehicles are those of a scheduled or dynamic event. If they are one, it is the Event's too; if they are several,
	// the Event has no VehicleID.
	Vehicles []LegacyVehicle
	// Payload is the whole payload as JSON.
	Payload json.RawMessage
}

// LegacyVehicle is a vehicle of a scheduled or dynamic event of version 2.0.
type LegacyVehicle struct {
	ID   string
	Data json.RawMessage
}

// Signal returns the signal with this code.
func (e *Event) Signal(code string) (Signal, bool) {
	for _, s := range e.Signals {
		if s.Code == code {
			return s, true
		}
	}
	return Signal{}, false
}

// Changed reports whether the event was sent because the signal with this code changed.
func (e *Event) Changed(code string) bool {
	for _, t := range e.Triggers {
		if t.Type == TriggerSignalUpdated && t.Signal.Code == code {
			return true
		}
	}
	return false
}

// FirstDelivery reports whether this is the first event after the vehicle was
// subscribed.
func (e *Event) FirstDelivery() bool {
	for _, t := range e.Triggers {
		if t.Type == TriggerFirstDelivery {
			return true
		}
	}
	return false
}

// LogValue is that of the envelope: readings and locations do not belong in a log.
func (e *Event) LogValue() slog.Value { return e.Envelope.LogValue() }
