package intake

import (
	"regexp"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Claims is what a body says of itself that may be shown although nothing vouches for it: anybody can send it, and it may
// hold anything of a person.
type Claims struct {
	// EventID is a UUID, as Smartcar's are, and Mode is LIVE or TEST; "" where the body has something else.
	EventID, Mode string
}

// ClaimsOf returns what an envelope says in the expected form.
func ClaimsOf(e *smartcar.Envelope) (c Claims) {
	if uuidPattern.MatchString(e.EventID) {
		c.EventID = e.EventID
	}
	for _, mode := range []string{smartcar.ModeLive, smartcar.ModeTest} {
		if strings.EqualFold(e.Mode, mode) {
			c.Mode = mode
		}
	}
	return c
}

var uuidPattern = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
