package smartcar

import (
	"slices"
	"strings"
)

// SignalInfo is a documented signal.
type SignalInfo struct {
	Code  string // such as charge-ischarging
	Group string // such as Charge
}

// signalCodes are the codes of each group, without the group's prefix, as
// https://smartcar.com/docs/api-reference/signals/schema lists them.
var signalCodes = [...]struct{ group, names string }{
	{"Charge", `amperage amperagemax amperagerequested chargelimits chargeportstatuscolor
		chargerate chargerecords chargerphases chargetimers chargingconnectortype
		detailedchargingstatus energyadded fastchargertype ischarging
		ischargingcableconnected ischargingcablelatched ischargingportflapopen
		isfastchargerpresent timetocomplete voltage wattage`},
	{"Climate", `externaltemperature internaltemperature`},
	{"Closure", `doors enginecover fronttrunk islocked reartrunk sunroof tailgate windows`},
	{"ConnectivitySoftware", `currentfirmwareversion`},
	{"ConnectivityStatus", `isasleep isdigitalkeypaired isonline`},
	{"Diagnostics", `abs activesafety airbag brakefluid driverassistance dtccount dtclist
		emissions evbatteryconditioning evcharging evdriveunit evhvbattery lighting mil
		oillife oilpressure oiltemperature telematics tirepressure tirepressuremonitoring
		transmission washerfluid waterinfuel`},
	{"HVAC", `cabintargettemperature iscabinhvacactive isfrontdefrosteractive
		isreardefrosteractive issteeringheateractive`},
	{"InternalCombustionEngine", `amountremaining fuellevel oillife range`},
	{"Location", `isathome preciselocation`},
	{"LowVoltageBattery", `stateofcharge status`},
	{"Motion", `currentspeed`},
	{"Odometer", `traveleddistance`},
	{"Service", `isinservice records`},
	{"Surveillance", `brand isenabled`},
	{"TractionBattery", `isheateractive maxrangechargecounter nominalcapacity range
		stateofcharge`},
	{"Transmission", `drivemode gearstate`},
	{"VehicleIdentification", `exteriorcolor nickname packages trim vin`},
	{"VehicleUserAccount", `permissions role`},
	{"Wheel", `style tires`},
}

var signals = buildSignals()

func buildSignals() []SignalInfo {
	var all []SignalInfo
	for _, g := range signalCodes {
		for name := range strings.FieldsSeq(g.names) {
			all = append(all, SignalInfo{Code: strings.ToLower(g.group) + "-" + name, Group: g.group})
		}
	}
	slices.SortFunc(all, func(a, b SignalInfo) int { return strings.Compare(a.Code, b.Code) })
	return all
}

// Signals returns the documented signals, ordered by code.
func Signals() []SignalInfo { return slices.Clone(signals) }

// LookupSignal returns the documented signal with this code.
func LookupSignal(code string) (SignalInfo, bool) {
	i, ok := slices.BinarySearchFunc(signals, code, func(s SignalInfo, code string) int {
		return strings.Compare(s.Code, code)
	})
	if !ok {
		return SignalInfo{}, false
	}
	return signals[i], true
}

// KnownSignal reports whether a signal with this code is documented.
func KnownSignal(code string) bool {
	_, ok := LookupSignal(code)
	return ok
}

// ErrorType is a documented type of error.
type ErrorType struct {
	Type string
	// Codes are those of the type, in order. If NoCode is set, Smartcar also sends the type with the code null.
	Codes  []string
	NoCode bool
	// WebhookCodes are the codes that are documented for a VEHICLE_ERROR, and Webhook is set if the type is. The others
	// occur as the error of a single signal.
	WebhookCodes []string
	Webhook      bool
}

// errorCodes are the documented types and codes; null is no code. Those before the bar are documented for
// VEHICLE_ERROR, those after it only for the API, or were seen there.
var errorCodes = [...]struct{ name, codes string }{
	{"AUTHENTICATION", `| null ACCESS_DENIED UNAUTHORIZED`},
	{"BILLING", `| ACCOUNT_SUSPENDED INVALID_PLAN VEHICLE_LIMIT VEHICLE_REQUEST_LIMIT`},
	{"COMPATIBILITY", `MAKE_NOT_COMPATIBLE SMARTCAR_NOT_CAPABLE VEHICLE_NOT_CAPABLE | PLATFORM_NOT_CAPABLE`},
	{"CONNECTED_SERVICES_ACCOUNT", `ACCOUNT_ISSUE AUTHENTICATION_FAILED PERMISSION
		SUBSCRIPTION VIRTUAL_KEY_REQUIRED | NO_VEHICLES VEHICLE_MISSING`},
	{"PERMISSION", `null | UNKNOWN`},
	{"RATE_LIMIT", `| SMARTCAR_API VEHICLE`},
	{"RESOURCE_NOT_FOUND", `| PATH VERSION`},
	{"SERVER", `| INTERNAL MULTIPLE_RECORDS_FOUND RECORD_NOT_FOUND`},
	{"UPSTREAM", `| INVALID_DATA KNOWN_ISSUE NO_RESPONSE RATE_LIMIT UNKNOWN_ISSUE`},
	{"VALIDATION", `| null INVALID_INPUT_FORMAT PARAMETER`},
	{"VEHICLE_STATE", `ASLEEP REMOTE_ACCESS_DISABLED UNREACHABLE | CHARGE_FAULT
		CHARGING_IN_PROGRESS CHARGING_PLUG_CONNECTED CHARGING_PLUG_NOT_CONNECTED DOOR_OPEN
		FULLY_CHARGED HOOD_OPEN IGNITION_ON IN_MOTION LOW_BATTERY NOT_CHARGING TRUNK_OPEN
		UNKNOWN VEHICLE_OFFLINE_FOR_SERVICE`},
}

// ErrorTypes returns the documented types of errors and their codes, ordered by
// type, from https://smartcar.com/docs/api-reference/api-errors and the page about
// VEHICLE_ERROR. VEHICLE_STATE is an error type as well as an event type.
func ErrorTypes() []ErrorType {
	all := make([]ErrorType, 0, len(errorCodes))
	for _, e := range errorCodes {
		all = append(all, errorType(e.name, e.codes))
	}
	return all
}

func errorType(name, codes string) ErrorType {
	webhook, api, _ := strings.Cut(codes, "|")
	t := ErrorType{Type: name, Webhook: strings.TrimSpace(webhook) != ""}
	for code := range strings.FieldsSeq(webhook) {
		if code != "null" {
			t.WebhookCodes = append(t.WebhookCodes, code)
		}
	}
	for code := range strings.FieldsSeq(webhook + api) {
		if code == "null" {
			t.NoCode = true
			continue
		}
		t.Codes = append(t.Codes, code)
	}
	slices.Sort(t.Codes)
	return t
}

// KnownError reports whether the code is documented for this type of error; the empty code means null.
func KnownError(typ, code string) bool {
	for _, e := range errorCodes {
		if e.name != typ {
			continue
		}
		t := errorType(e.name, e.codes)
		return code == "" && t.NoCode || slices.Contains(t.Codes, code)
	}
	return false
}
