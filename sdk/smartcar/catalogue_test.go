package smartcar

import (
	"slices"
	"strings"
	"testing"
)

func TestSignals(t *testing.T) {
	all := Signals()
	if len(all) != 93 {
		t.Errorf("%d signals, want 93", len(all))
	}
	groups := map[string]int{}
	for i, s := range all {
		groups[s.Group]++
		if i > 0 && all[i-1].Code >= s.Code {
			t.Errorf("%s stands before %s", all[i-1].Code, s.Code)
		}
		if !KnownSignal(s.Code) || !isSignalCode(s.Code) || !strings.HasPrefix(s.Code, strings.ToLower(s.Group)+"-") {
			t.Errorf("odd signal %+v", s)
		}
	}
	for group, want := range map[string]int{"Charge": 21, "Diagnostics": 23, "HVAC": 5, "Wheel": 2, "Motion": 1} {
		if groups[group] != want {
			t.Errorf("%d signals in %s, want %d", groups[group], group, want)
		}
	}
	if len(groups) != 19 {
		t.Errorf("%d groups, want 19", len(groups))
	}
	for _, code := range []string{"", "charge", "charge-", "Charge-IsCharging", "charge-isCharging", "zzz-zzz"} {
		if KnownSignal(code) {
			t.Errorf("%q is known", code)
		}
	}
	if s, ok := LookupSignal("tractionbattery-stateofcharge"); !ok || s.Group != "TractionBattery" {
		t.Errorf("LookupSignal = %+v, %t", s, ok)
	}
	all[0].Code = "changed"
	if Signals()[0].Code == "changed" {
		t.Error("a caller can change the list")
	}
}

func TestErrorTypes(t *testing.T) {
	all := ErrorTypes()
	if !slices.IsSortedFunc(all, func(a, b ErrorType) int { return strings.Compare(a.Type, b.Type) }) {
		t.Error("the types are not in order")
	}
	webhook := 0
	for _, e := range all {
		if e.Webhook {
			webhook += max(1, len(e.WebhookCodes))
		}
		for _, code := range e.Codes {
			if !KnownError(e.Type, code) {
				t.Errorf("%s/%s is not known", e.Type, code)
			}
		}
	}
	if len(all) != 11 || webhook != 12 {
		t.Errorf("%d types and %d pairs in webhooks, want 11 and 12", len(all), webhook)
	}
	tests := []struct {
		typ, code string
		want      bool
	}{
		{"PERMISSION", "", true},
		{"PERMISSION", "null", false},
		{"SERVER", "INTERNAL", true},
		{"SERVER", "", false},
		{"VEHICLE_STATE", "ASLEEP", true},
		{"VEHICLE_STATE", "DOOR_OPEN", true},
		{"CONNECTED_SERVICES_ACCOUNT", "VEHICLE_MISSING", true},
		{"VALIDATION", "", true},
		{"VALIDATION", "INVALID_INPUT_FORMAT", true},
		{"COMPATIBILITY", "PLATFORM_NOT_CAPABLE", true},
		{"VEHICLE_STATE", "CHARGING_PLUG_CONNECTED", true},
		{"VEHICLE_STATE", "LOW_BATTERY", true},
		{"PERMISSION", "UNKNOWN", true},
		{"AUTHENTICATION", "UNAUTHORIZED", true},
		{"AUTHENTICATION", "ACCESS_DENIED", true},
		{"AUTHENTICATION", "", true},
		{"NO_SUCH", "", false},
	}
	for _, tt := range tests {
		if got := KnownError(tt.typ, tt.code); got != tt.want {
			t.Errorf("KnownError(%s, %s) = %t, want %t", tt.typ, tt.code, got, tt.want)
		}
	}
}
