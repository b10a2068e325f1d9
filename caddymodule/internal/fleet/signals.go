package fleet

import (
	"encoding/json"
	"math"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// retrieval is how long after the maker's record Smartcar fetches a reading.
const retrieval = time.Second

// The signals that a fleet has, each by its documented code.
var (
	refCharge     = smartcar.SignalRef{Code: "tractionbattery-stateofcharge", Name: "StateOfCharge", Group: "TractionBattery"}
	refRange      = smartcar.SignalRef{Code: "tractionbattery-range", Name: "Range", Group: "TractionBattery"}
	refIsCharging = smartcar.SignalRef{Code: "charge-ischarging", Name: "IsCharging", Group: "Charge"}
	refCable      = smartcar.SignalRef{
		Code: "charge-ischargingcableconnected", Name: "IsChargingCableConnected", Group: "Charge",
	}
	refEnergy   = smartcar.SignalRef{Code: "charge-energyadded", Name: "EnergyAdded", Group: "Charge"}
	refOdometer = smartcar.SignalRef{Code: "odometer-traveleddistance", Name: "TraveledDistance", Group: "Odometer"}
	refLocation = smartcar.SignalRef{Code: "location-preciselocation", Name: "PreciseLocation", Group: "Location"}
	refSpeed    = smartcar.SignalRef{Code: "motion-currentspeed", Name: "CurrentSpeed", Group: "Motion"}
	refNickname = smartcar.SignalRef{Code: "vehicleidentification-nickname", Name: "Nickname", Group: "VehicleIdentification"}
	refDTCCount = smartcar.SignalRef{Code: "diagnostics-dtccount", Name: "DTCCount", Group: "Diagnostics"}
)

// reading is one signal with what the vehicle last said of it.
type reading struct {
	ref  smartcar.SignalRef
	body string
	// changed is when the maker recorded it; zero: not known, as of a nickname.
	changed time.Time
}

type scalar struct {
	Value any    `json:"value"`
	Unit  string `json:"unit,omitempty"`
}

type place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Heading   int     `json:"heading,omitempty"`
	Type      string  `json:"locationType"`
}

// bodies are the readings of a vehicle now, without their times.
func (v *vehicle) bodies() []reading {
	l := v.life
	where := place{Latitude: round(l.latitude, 6), Longitude: round(l.longitude, 6), Type: "LAST_PARKED"}
	if l.phase == driving {
		where.Type, where.Heading = "CURRENT", int(l.heading)
	}
	return []reading{
		{ref: refCharge, body: text(scalar{math.Round(100 * l.charge()), "percent"})},
		{ref: refRange, body: text(scalar{math.Round(l.energy / kWhPerKm), "km"})},
		{ref: refIsCharging, body: text(scalar{l.phase == charging, ""})},
		{ref: refCable, body: text(scalar{l.phase == charging, ""})},
		{ref: refEnergy, body: text(scalar{round(l.added, 3), "kWh"})},
		{ref: refOdometer, body: text(scalar{round(l.odometer, 3), "km"})},
		{ref: refLocation, body: text(where)},
		{ref: refSpeed, body: text(scalar{math.Round(l.speed), "km/h"})},
		{ref: refNickname, body: text(scalar{v.name, ""})},
	}
}

// read notes what has changed since the last event, as of a time, and returns it.
func (v *vehicle) read(at time.Time) (changed []smartcar.SignalRef) {
	for i, now := range v.bodies() {
		if len(v.readings) == i {
			v.readings = append(v.readings, reading{ref: now.ref})
		}
		last := &v.readings[i]
		if last.body == now.body {
			continue
		}
		last.body = now.body
		if now.ref != refNickname {
			last.changed = at
		}
		changed = append(changed, now.ref)
	}
	return changed
}

// signals are those of a VEHICLE_STATE: every one, changed or not. What an open error concerns has no reading, and neither
// has what the owner of this vehicle has not allowed.
func (v *vehicle) signals(at time.Time) []smartcar.Signal {
	all := make([]smartcar.Signal, 0, len(v.readings)+1)
	for _, r := range v.readings {
		s := smartcar.Signal{SignalRef: r.ref, Status: smartcar.StatusSuccess}
		if v.fault.concerns(r.ref) {
			s.Status, s.Error = smartcar.StatusError, &smartcar.SignalError{ErrorInfo: v.fault.short()}
			all = append(all, s)
			continue
		}
		s.Body, s.OEMUpdatedAt = json.RawMessage(r.body), r.changed
		if !r.changed.IsZero() {
			s.RetrievedAt = at.Add(retrieval)
		}
		all = append(all, s)
	}
	return append(all, smartcar.Signal{
		SignalRef: refDTCCount, Status: smartcar.StatusError,
		Error: &smartcar.SignalError{ErrorInfo: smartcar.ErrorInfo{Type: "PERMISSION"}},
	})
}

// text is JSON; neither of the two types can fail.
func text(body any) string {
	b, _ := json.Marshal(body)
	return string(b)
}

func round(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(x*scale) / scale
}
