package http

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// addresses are where events are posted to.
type addresses struct {
	url    string
	byType map[string]string
}

// of returns the URL for events of a type.
func (a addresses) of(eventType string) string {
	if address, ok := a.byType[eventType]; ok {
		return address
	}
	return a.url
}

// eventTypes are those that Smartcar sends.
var eventTypes = []string{smartcar.TypeVehicleState, smartcar.TypeVehicleError}

// newAddresses reads url and paths. Each path is one on the host of url, so that what authorizes a request goes to no
// other. The remarks are for [sdk.ConfigError]'s readers; some are warnings. Where url cannot be read, only they count.
func newAddresses(base string, paths map[string]string) (addresses, []error) {
	a := addresses{url: base, byType: make(map[string]string, len(paths))}
	u, err := url.Parse(base)
	if err != nil {
		u = &url.URL{} // checkURL says it
	}
	var remarks []error
	for _, eventType := range slices.Sorted(maps.Keys(paths)) {
		at := attributeOf("paths", eventType)
		if !slices.Contains(eventTypes, eventType) {
			remarks = append(remarks, sdk.ConfigWarning(at, "Unknown event type", notAType(eventType)))
		}
		path, err := u.Parse(paths[eventType])
		if err != nil || !strings.HasPrefix(paths[eventType], "/") || path.Host != u.Host || path.Fragment != "" {
			remarks = append(remarks, sdk.ConfigError(at, "Not a path",
				"Write a path on the host of url, with / in front and without #, like \"/webhooks/errors\"."))
			continue
		}
		a.byType[eventType] = path.String()
	}
	return a, remarks
}

func notAType(eventType string) string {
	if eventType == smartcar.TypeVerify {
		return "A VERIFY is answered by the receiver and is never delivered."
	}
	text := fmt.Sprintf("Smartcar sends no events of type %q.", eventType)
	for _, known := range eventTypes {
		if levenshtein.Distance(strings.ToUpper(eventType), known, nil) <= 3 {
			return text + fmt.Sprintf(" Did you mean %q?", known)
		}
	}
	return text + " Such events go there if they ever come."
}
