package fleet

import (
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// fault is a kind of error of a vehicle. A nil one concerns nothing.
type fault struct {
	info smartcar.ErrorInfo
	over string // the description once it is resolved
	refs []smartcar.SignalRef
}

const docs = "https://smartcar.com/docs/errors/api-errors/"

// faults are the kinds, by the types and codes that are documented for a VEHICLE_ERROR.
var faults = []*fault{
	{
		smartcar.ErrorInfo{
			Type: "VEHICLE_STATE", Code: "UNREACHABLE", Description: "The vehicle has not answered for some time.",
			SuggestedUserMessage: "Your car cannot be reached. It may be parked where there is no signal.",
			DocURL:               docs + "vehicle-state-errors#unreachable", Resolution: smartcar.ResolutionRetryLater,
		},
		"The vehicle answers again.",
		[]smartcar.SignalRef{refLocation, refOdometer, refSpeed},
	},
	{
		smartcar.ErrorInfo{
			Type: "VEHICLE_STATE", Code: "ASLEEP", Description: "The vehicle sleeps, and was not woken.",
			SuggestedUserMessage: "Your car sleeps. Its values come when it wakes up.",
			DocURL:               docs + "vehicle-state-errors#asleep", Resolution: smartcar.ResolutionRetryLater,
		},
		"The vehicle is awake.",
		[]smartcar.SignalRef{refCharge, refRange},
	},
	{
		smartcar.ErrorInfo{
			Type: "CONNECTED_SERVICES_ACCOUNT", Code: "AUTHENTICATION_FAILED",
			Description:          "Sign-in to the maker's account no longer works.",
			SuggestedUserMessage: "Please connect your car again.",
			DocURL:               docs + "connected-services-account-errors#authentication-failed",
			Resolution:           smartcar.ResolutionReauthenticate,
		},
		"Sign-in to the maker's account works again.",
		[]smartcar.SignalRef{refCharge, refRange, refLocation, refOdometer},
	},
	{
		smartcar.ErrorInfo{
			Type: "CONNECTED_SERVICES_ACCOUNT", Code: "SUBSCRIPTION",
			Description:          "The maker's subscription for remote access has ended.",
			SuggestedUserMessage: "Please renew the subscription with the maker of your car.",
			DocURL:               docs + "connected-services-account-errors#subscription",
			Resolution:           smartcar.ResolutionUserActionRequired,
		},
		"The maker's subscription is active.",
		[]smartcar.SignalRef{refLocation},
	},
	{
		smartcar.ErrorInfo{Type: "PERMISSION", Description: "The owner has taken back a permission."},
		"The owner has given the permission.",
		[]smartcar.SignalRef{refLocation},
	},
}

func (f *fault) concerns(ref smartcar.SignalRef) bool {
	return f != nil && slices.Contains(f.refs, ref)
}

// short is what a signal says of it.
func (f *fault) short() smartcar.ErrorInfo {
	return smartcar.ErrorInfo{Type: f.info.Type, Code: f.info.Code}
}

// begun is the error as it begins.
func (f *fault) begun() smartcar.VehicleError {
	return smartcar.VehicleError{ErrorInfo: f.info, State: smartcar.StateError, Signals: f.refs}
}

// resolved is its end, with fewer fields, as Smartcar's.
func (f *fault) resolved() smartcar.VehicleError {
	info := f.short()
	info.Description = f.over
	return smartcar.VehicleError{ErrorInfo: info, State: smartcar.StateResolved, Signals: f.refs}
}
