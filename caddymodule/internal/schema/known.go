package schema

import "github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"

// field is what may be in the place of a field.
type field struct {
	// fields are those of an object; nil: whatever it has is not looked at.
	fields map[string]*field
	// each is of the elements of an array.
	each *field
	// isSignal: without a body, the other fields of the object are its body.
	isSignal bool
}

type fields = map[string]*field

// Names that stand in several places.
var (
	// value is text, a number, or anything that is not looked into.
	value   = &field{}
	nothing = func(names ...string) fields {
		all := fields{}
		for _, name := range names {
			all[name] = value
		}
		return all
	}
	ref       = &field{fields: nothing("code", "name", "group")}
	refs      = &field{each: ref}
	errorInfo = func(more fields) *field {
		all := nothing("type", "code", "title", "detail", "description", "suggestedUserMessage", "docURL")
		all["resolution"] = &field{fields: nothing("type", "url")}
		for name, f := range more {
			all[name] = f
		}
		return &field{fields: all}
	}
	triggers = &field{each: &field{fields: fields{
		"type": value, "code": value, "name": value, "group": value, "signal": ref,
	}}}
	signal = &field{isSignal: true, fields: fields{
		"code": value, "name": value, "group": value, "body": value,
		"meta":   {fields: nothing("oemUpdatedAt", "retrievedAt", "fetchedAt")},
		"status": {fields: fields{"value": value, "error": errorInfo(nil)}},
	}}
)

// known are the fields of version 4, and those of version 2.0 around its payload.
var known = &field{fields: fields{
	"eventId": value, "eventType": value, "vehicleId": value,
	"triggers": triggers,
	"data": {fields: fields{
		"challenge": value,
		"user":      {fields: nothing("id", "externalId")},
		"vehicle":   {fields: nothing("id", "make", "model", "year", "vin", "mode", "powertrainType")},
		"signals":   {each: signal},
		"triggers":  triggers,
		"errors":    {each: errorInfo(fields{"state": value, "signals": refs})},
	}},
	"meta": {fields: nothing("version", "webhookId", "webhookName", "deliveryId", "deliveredAt", "deliveryTime", "mode",
		"signalCount", "sequence", "ingestedAt")},
	"version": value, "webhookId": value, "eventName": value, "mode": value, "payload": value,
}}

// knownTypes are the types of events, those of version 2.0 among them.
var knownTypes = map[string]bool{
	smartcar.TypeVerify: true, smartcar.TypeVehicleState: true, smartcar.TypeVehicleError: true,
	"verify": true, "schedule": true, "scheduled": true, "eventBased": true, "dynamic": true,
}
