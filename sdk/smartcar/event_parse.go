package smartcar

import (
	"encoding/json"
	"time"
)

// ParseEvent reads the whole body, in every form that Smartcar is known to send. Error and envelope are those of
// [ParseEnvelope]; an event that one of them can read, the other can too. Fields other than the envelope's are read by
// the rules of encoding/json.
func ParseEvent(body []byte) (*Event, error) {
	envelope, err := ParseEnvelope(body)
	if err != nil {
		return nil, err
	}
	var w wireEvent
	// Only errors about types remain: encoding/json skips such a field and reads the rest.
	_ = json.Unmarshal(body, &w)
	e := &Event{
		Envelope:    envelope,
		WebhookName: string(w.Meta.WebhookName),
		Sequence:    int64(w.Meta.Sequence),
		SignalCount: int(w.Meta.SignalCount),
		User:        User{ID: envelope.UserID, ExternalID: string(w.Data.User.ExternalID)},
		Vehicle: Vehicle{
			ID:             envelope.VehicleID,
			Make:           string(w.Data.Vehicle.Make),
			Model:          string(w.Data.Vehicle.Model),
			Year:           int(w.Data.Vehicle.Year),
			VIN:            string(w.Data.Vehicle.VIN),
			Mode:           string(w.Data.Vehicle.Mode),
			PowertrainType: string(w.Data.Vehicle.PowertrainType),
		},
		Triggers: triggers(w.Triggers, w.Data.Triggers),
		Signals:  w.Data.Signals,
		Errors:   vehicleErrors(w.Data.Errors),
	}
	if w.Payload != nil {
		e.Legacy = legacy(w.Payload)
	}
	return e, nil
}

// wireEvent is an event as it is sent.
type wireEvent struct {
	Triggers list[wireTrigger] `json:"triggers"`
	Data     struct {
		User struct {
			ExternalID text `json:"externalId"`
		} `json:"user"`
		Vehicle struct {
			Make           text   `json:"make"`
			Model          text   `json:"model"`
			Year           number `json:"year"`
			VIN            text   `json:"vin"`
			Mode           text   `json:"mode"`
			PowertrainType text   `json:"powertrainType"`
		} `json:"vehicle"`
		Triggers list[wireTrigger] `json:"triggers"`
		Signals  wireSignals       `json:"signals"`
		Errors   list[wireError]   `json:"errors"`
	} `json:"data"`
	Meta struct {
		WebhookName text   `json:"webhookName"`
		Sequence    number `json:"sequence"`
		SignalCount number `json:"signalCount"`
	} `json:"meta"`
	Payload json.RawMessage `json:"payload"`
}

func legacy(payload json.RawMessage) *Legacy {
	var w struct {
		EventType text                  `json:"eventType"`
		EventTime instant               `json:"eventTime"`
		Vehicles  list[json.RawMessage] `json:"vehicles"`
	}
	_ = json.Unmarshal(payload, &w)
	l := &Legacy{EventType: string(w.EventType), EventTime: time.Time(w.EventTime), Payload: payload}
	for _, data := range w.Vehicles {
		var vehicle struct {
			ID text `json:"vehicleId"`
		}
		_ = json.Unmarshal(data, &vehicle)
		l.Vehicles = append(l.Vehicles, LegacyVehicle{ID: string(vehicle.ID), Data: data})
	}
	return l
}
