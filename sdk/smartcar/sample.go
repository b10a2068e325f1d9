package smartcar

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sample makes bodies in the shape that Smartcar sends: compact JSON, version 4 except for VerifyV2. All text in them
// is invented. The zero value is ready for use; empty fields get fixed values, so equal samples make equal bodies.
// Strings are encoded as JSON and may contain anything.
type Sample struct {
	EventID, VehicleID, UserID, WebhookID, DeliveryID string
	// DeliveredAt is when the attempt is sent; zero: some seconds after RecordedAt.
	DeliveredAt time.Time
	// RecordedAt is the time of the readings of a VEHICLE_STATE, and their values depend on it. It stays the same on a
	// retry, and so does not follow DeliveredAt.
	RecordedAt time.Time
	// Mode is meta.mode; empty: TEST.
	Mode string
	// Vehicle gives the vehicle's make, model, year, mode and powertrain; without a Make one is invented. Its ID and VIN
	// are not looked at: VehicleID is the id.
	Vehicle Vehicle
	// Signals and Triggers, if there are signals, are those of a VEHICLE_STATE in place of invented ones, and Errors those
	// of a VEHICLE_ERROR. ParseEvent reads them as they are here.
	Signals  []Signal
	Triggers []Trigger
	Errors   []VehicleError
	// Size is the length of a VEHICLE_STATE or VEHICLE_ERROR in bytes. If it is 0 or too small for the content, the
	// body is no longer than needed.
	Size int
}

// withDefaults fills empty fields.
func (s Sample) withDefaults() Sample {
	for _, f := range []struct {
		field *string
		value string
	}{
		{&s.EventID, "00000000-0000-4000-8000-000000000001"},
		{&s.VehicleID, "00000000-0000-4000-8000-000000000002"},
		{&s.UserID, "00000000-0000-4000-8000-000000000003"},
		{&s.WebhookID, "00000000-0000-4000-8000-000000000004"},
		{&s.DeliveryID, "00000000-0000-4000-8000-000000000005"},
		{&s.Mode, ModeTest},
	} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	const later = 9 * time.Second
	if s.RecordedAt.IsZero() {
		s.RecordedAt = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(-later)
	}
	if s.DeliveredAt.IsZero() {
		s.DeliveredAt = s.RecordedAt.Add(later)
	}
	return s
}

// sampleSignals are the signals that every VEHICLE_STATE has; the last two are a
// reading of unknown age and one that failed.
const sampleSignals = `{"code":"tractionbattery-stateofcharge","name":"StateOfCharge","group":"TractionBattery","body":{"value":%[1]d,"unit":"percent"},"meta":{"oemUpdatedAt":%[2]d,"retrievedAt":%[3]d},"status":{"value":"SUCCESS"}},` +
	`{"code":"charge-ischarging","name":"IsCharging","group":"Charge","body":{"value":true},"meta":{"oemUpdatedAt":%[2]d,"retrievedAt":%[3]d},"status":{"value":"SUCCESS"}},` +
	`{"code":"odometer-traveleddistance","name":"TraveledDistance","group":"Odometer","body":{"value":18204.5,"unit":"km"},"meta":{"oemUpdatedAt":%[2]d,"retrievedAt":%[3]d},"status":{"value":"SUCCESS"}},` +
	`{"code":"vehicleidentification-nickname","name":"Nickname","group":"VehicleIdentification","body":{"value":"Van 7"},"meta":{"oemUpdatedAt":0,"retrievedAt":0},"status":{"value":"SUCCESS"}},` +
	`{"code":"diagnostics-dtccount","name":"DTCCount","group":"Diagnostics","status":{"value":"ERROR","error":{"type":"PERMISSION","code":null}}}`

const sampleSignalCount = 5

// VehicleState makes a VEHICLE_STATE without a signature. To reach Size it has more signals, and a longer name of the
// webhook for the rest; with signals of its own the name alone is longer.
func (s Sample) VehicleState() []byte {
	s = s.withDefaults()
	if len(s.Signals) > 0 {
		return s.ownState()
	}
	b := make([]byte, 0, max(s.Size, 2048))
	b = s.appendHead(b, TypeVehicleState)
	b = append(b, `,"signals":[`...)
	recorded, retrieved := s.RecordedAt.UnixMilli(), s.RecordedAt.Add(8*time.Second).UnixMilli()
	charge := crc32.ChecksumIEEE([]byte(s.EventID)) % 101 // another for each event, the same on a retry
	b = fmt.Appendf(b, sampleSignals, charge, recorded, retrieved)
	const triggers = `]},"triggers":[{"type":"SIGNAL_UPDATED","signal":{"name":"StateOfCharge","code":"tractionbattery-stateofcharge","group":"TractionBattery"}}]`

	count := sampleSignalCount
	room := s.Size - len(triggers) - len(s.appendMeta(nil, len(signals), 0))
	for _, info := range signals {
		before := len(b)
		b = appendSignal(b, info, count, recorded, retrieved)
		if len(b) > room {
			b = b[:before]
			break
		}
		count++
	}
	b = append(b, triggers...)
	return s.appendMeta(b, count, s.Size)
}

// sampleError is the error of a VEHICLE_ERROR, up to its state.
const sampleError = `{"type":"CONNECTED_SERVICES_ACCOUNT","code":"AUTHENTICATION_FAILED","state":`

const sampleErrorSignals = `"signals":[{"code":"tractionbattery-stateofcharge","name":"StateOfCharge","group":"TractionBattery"}]}`

// VehicleError makes a VEHICLE_ERROR: with Errors, or with one new error.
func (s Sample) VehicleError() []byte {
	if len(s.Errors) > 0 {
		return s.vehicleError(appendErrors(nil, s.Errors))
	}
	return s.vehicleError([]byte(sampleError + `"ERROR","description":"Sign-in to the maker's account no longer works.",` +
		`"suggestedUserMessage":"Please connect your car again.",` +
		`"docURL":"https://smartcar.com/docs/errors/api-errors/connected-services-account-errors#authentication-failed",` +
		`"resolution":{"type":"REAUTHENTICATE"},` + sampleErrorSignals))
}

// VehicleErrorResolved makes the VEHICLE_ERROR which says that the invented error of VehicleError is over. It has fewer
// fields, as Smartcar's.
func (s Sample) VehicleErrorResolved() []byte {
	return s.vehicleError([]byte(sampleError + `"RESOLVED","description":"Sign-in to the maker's account works again.",` +
		sampleErrorSignals))
}

// vehicleError makes a VEHICLE_ERROR with these elements of data.errors.
func (s Sample) vehicleError(errors []byte) []byte {
	s = s.withDefaults()
	b := s.appendHead(make([]byte, 0, max(s.Size, 1024)), TypeVehicleError)
	b = append(b, `,"errors":[`...)
	b = append(b, errors...)
	b = append(b, `]}`...)
	return s.appendMeta(b, 0, s.Size)
}

// Verify makes a VERIFY with this challenge. It ignores Size and the ids of vehicle and user.
func (s Sample) Verify(challenge string) []byte {
	s = s.withDefaults()
	b := appendString([]byte(`{"eventId":`), s.EventID)
	b = append(b, `,"eventType":"VERIFY","data":{"challenge":`...)
	b = appendString(b, challenge)
	b = append(b, `},"meta":{"version":"4.0","webhookId":`...)
	b = appendString(b, s.WebhookID)
	b = append(b, `,"webhookName":"Sample","deliveryId":`...)
	b = appendString(b, s.DeliveryID)
	b = append(b, `,"deliveredAt":"`...)
	b = s.DeliveredAt.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	return append(b, `"}}`...)
}

// appendSignal appends one more signal. A load test makes thousands of them, so it does not use fmt.
func appendSignal(b []byte, info SignalInfo, value int, recorded, retrieved int64) []byte {
	b = append(b, `,{"code":"`...)
	b = append(b, info.Code...)
	b = append(b, `","name":"Sample","group":"`...)
	b = append(b, info.Group...)
	b = append(b, `","body":{"value":`...)
	b = strconv.AppendInt(b, int64(value), 10)
	b = append(b, `},"meta":{"oemUpdatedAt":`...)
	b = strconv.AppendInt(b, recorded, 10)
	b = append(b, `,"retrievedAt":`...)
	b = strconv.AppendInt(b, retrieved, 10)
	return append(b, `},"status":{"value":"SUCCESS"}}`...)
}

// VerifyV2 makes a VERIFY of version 2.0.
func (s Sample) VerifyV2(challenge string) []byte {
	s = s.withDefaults()
	b := appendString([]byte(`{"version":"2.0","webhookId":`), s.WebhookID)
	b = append(b, `,"eventName":"verify","payload":{"challenge":`...)
	b = appendString(b, challenge)
	return append(b, `}}`...)
}

func (s Sample) appendHead(b []byte, eventType string) []byte {
	b = append(b, `{"eventId":`...)
	b = appendString(b, s.EventID)
	b = append(b, `,"eventType":"`...)
	b = append(b, eventType...)
	b = append(b, `","data":{"user":{"id":`...)
	b = appendString(b, s.UserID)
	b = append(b, `},"vehicle":{"id":`...)
	b = appendString(b, s.VehicleID)
	if s.Vehicle.Make != "" {
		return appendVehicle(b, s.Vehicle)
	}
	return append(b, `,"make":"VOLVO","model":"EX30","year":2025}`...)
}

// appendMeta ends the body with meta. The name of the webhook fills the body up to size.
func (s Sample) appendMeta(b []byte, signalCount, size int) []byte {
	b = append(b, `,"meta":{"deliveryId":`...)
	b = appendString(b, s.DeliveryID)
	b = append(b, `,"deliveredAt":`...)
	b = strconv.AppendInt(b, s.DeliveredAt.UnixMilli(), 10)
	b = append(b, `,"version":"4.0","webhookId":`...)
	b = appendString(b, s.WebhookID)
	b = append(b, `,"webhookName":"Sample`...)
	name := len(b)
	b = append(b, `","mode":`...)
	b = appendString(b, s.Mode)
	if signalCount > 0 {
		b = append(b, `,"signalCount":`...)
		b = strconv.AppendInt(b, int64(signalCount), 10)
	}
	b = append(b, `}}`...)
	if missing := size - len(b); missing > 0 {
		b = slices.Insert(b, name, []byte(strings.Repeat("x", missing))...)
	}
	return b
}
