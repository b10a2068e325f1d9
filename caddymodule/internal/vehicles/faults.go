package vehicles

import (
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// other stands for a name that is not shown or counted by itself.
const other = "other"

// parseFaults reads the errors of a VEHICLE_ERROR that was received at a moment. Of each it keeps type, code and the
// type of the resolution, and none of the texts.
func parseFaults(body []byte, m moment) (faults []fault, told []smartcar.VehicleError) {
	e, err := smartcar.ParseEvent(body)
	if err != nil {
		return nil, nil
	}
	for i := range e.Errors {
		told := &e.Errors[i]
		f := fault{typ: safeName(told.Type), code: safeName(told.Code), resolution: safeName(told.Resolution)}
		if f.typ == "" {
			f.typ = other
		}
		if told.Resolved() {
			f.resolution, f.resolved = "", m
		} else {
			f.last, f.since = m, m
		}
		faults = append(faults, f)
	}
	return faults, e.Errors
}

// longestName bounds the names of types, codes and resolutions. The longest that is documented has 34 bytes.
const longestName = 48

// safeName returns a name as Smartcar writes them, in capitals, or other. The empty name is null.
func safeName(name string) string {
	if len(name) > longestName {
		return other
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return other
		}
	}
	return name
}
