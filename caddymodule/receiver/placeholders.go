package receiver

import (
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2"
)

// What {http.smartcar.outcome} says, besides "refused:" and a code.
const (
	outcomeStored     = "stored"
	outcomeDuplicate  = "duplicate"
	outcomeVerified   = "verified"
	outcomeUnreadable = "unreadable"
	outcomePassed     = "passed"
	outcomeNotTaken   = "not_taken"
)

const (
	placeholderPrefix = "http.smartcar."
	refusedPrefix     = "refused:"
)

// outcome is what the placeholders {http.smartcar.*} tell of one request. It is read
// after the handler has returned, so nothing in it may point into a pooled buffer.
type outcome struct {
	result    string
	eventID   string
	eventType string
	vehicleID string
	// token is the number of the token that matched, from 1; 0: none.
	token int
}

// attach makes the placeholders known to the request. Providing them on demand costs
// less than setting five values that few configurations read.
func (o *outcome) attach(r *http.Request) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	repl.Map(o.lookup)
}

func (o *outcome) lookup(key string) (any, bool) {
	if len(key) <= len(placeholderPrefix) || key[:len(placeholderPrefix)] != placeholderPrefix {
		return nil, false
	}
	switch key[len(placeholderPrefix):] {
	case "outcome":
		return o.result, true
	case "event_id":
		return o.eventID, true
	case "event_type":
		return o.eventType, true
	case "vehicle_id":
		return o.vehicleID, true
	case "token":
		if o.token == 0 {
			return "", true
		}
		return strconv.Itoa(o.token), true
	}
	return nil, false
}
