package receiver

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// What the application is told of an event, as net/http spells it. The plugin http uses the same names.
const (
	headerSource    = "X-Smartcar-Source"
	headerEventID   = "X-Smartcar-Event-Id"
	headerEventType = "X-Smartcar-Event-Type"
	headerVehicleID = "X-Smartcar-Vehicle-Id"
	headerToken     = "X-Smartcar-Token" //nolint:gosec // its number, not the token
)

// ownLetters are the first letters and digits of the headers that only this end may set.
const ownLetters = "xsmartcar"

// longestValue is more than any of Smartcar's ids has.
const longestValue = 256

// dropForged removes what a client says in the name of this end. Servers of applications do not agree on which spellings
// are the same header: many make `_` of `-`, some of every other sign. So only letters and digits count.
//
// It also removes what a client could have a proxy drop headers with, or what has been done with already: Connection
// names headers for this hop alone, and the body that Expect asks about has come.
func dropForged(h http.Header) {
	for name := range h {
		if isOwn(name) {
			delete(h, name)
		}
	}
	for _, name := range []string{"Connection", "Upgrade", "Expect", "Trailer", "Te"} {
		delete(h, name)
	}
}

// isOwn reports whether the letters and digits of a header's name begin with ownLetters.
func isOwn(name string) bool {
	at := 0
	for i := 0; i < len(name) && at < len(ownLetters); i++ {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		default:
			continue
		}
		if c != ownLetters[at] {
			return false
		}
		at++
	}
	return at == len(ownLetters)
}

// setIdentity says what event this is.
func setIdentity(h http.Header, ev *buffer.Event, token int) {
	setPlain(h, headerSource, ev.Source)
	setPlain(h, headerToken, strconv.Itoa(token))
	if ev.Unreadable != "" {
		return // its id is a digest of our own
	}
	setPlain(h, headerEventID, ev.ID)
	setPlain(h, headerEventType, ev.Type)
	setPlain(h, headerVehicleID, ev.VehicleID)
}

// setPlain leaves out what a header cannot hold as it is: a part of an id would be another id.
func setPlain(h http.Header, name, value string) {
	isOther := func(r rune) bool { return r < ' ' || r > '~' }
	if value == "" || len(value) > longestValue || strings.ContainsFunc(value, isOther) || strings.TrimSpace(value) != value {
		return
	}
	h[name] = []string{value}
}
