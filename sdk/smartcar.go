package sdk

import "github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"

// Smartcar reads the whole of the payload: signals, triggers, errors, vehicle and
// user, in every form that Smartcar is known to send. It parses anew at each
// call. It fails when the payload is not a JSON object with an event's envelope;
// no retry mends that, so a handler passes the error on with [Reject].
func (e *Event) Smartcar() (*smartcar.Event, error) {
	return smartcar.ParseEvent(e.Payload)
}
