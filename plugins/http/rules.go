package http

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// fate is what becomes of an event after an answer, by its status.
type fate string

// The fates, as they are written in on_status.
const (
	// fateDone: the event is finished.
	fateDone fate = "done"
	// fateRetry: again, by the retry policy.
	fateRetry fate = "retry"
	// fateReject: a dead letter at once.
	fateReject fate = "reject"
	// fateUnavailable: the application is not ready; see readiness.
	fateUnavailable fate = "unavailable"
)

var fates = []fate{fateDone, fateRetry, fateReject, fateUnavailable}

// rules say what becomes of an event after an answer that is no 2xx.
type rules struct {
	// statuses and classes are those of the config; 4 is the class of 400 to 499.
	statuses, classes map[int]fate
}

// of returns the fate after an answer: the config's rule for the status, else that for its class, else the default.
func (r rules) of(status int) fate {
	if f, ok := r.statuses[status]; ok {
		return f
	}
	if f, ok := r.classes[status/100]; ok {
		return f
	}
	return byDefault(status)
}

// byDefault rejects at once only what says that this body will never do. All else may be a mistake outside the event,
// such as a token that was rotated or a path that a deployment has yet to bring, and passes.
func byDefault(status int) fate {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity:
		return fateReject
	case http.StatusUnauthorized, http.StatusForbidden,
		// What a proxy before the application answers while that is down.
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fateUnavailable
	}
	return fateRetry
}

// newRules reads on_status. The errors are for [sdk.ConfigError]'s readers, all of them at once.
func newRules(onStatus map[string]string) (rules, []error) {
	r := rules{statuses: map[int]fate{}, classes: map[int]fate{}}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(onStatus)) {
		f := fate(onStatus[key])
		if !slices.Contains(fates, f) {
			errs = append(errs, sdk.ConfigError(attributeOf("on_status", key), "Not an outcome", notAFate(f)))
			continue
		}
		status, err := strconv.Atoi(key)
		class, isClass := strings.CutSuffix(key, "xx")
		switch {
		case err == nil && len(key) == 3 && status >= 300 && status <= 599:
			r.statuses[status] = f
		case isClass && slices.Contains([]string{"3", "4", "5"}, class):
			r.classes[int(class[0]-'0')] = f
		default:
			errs = append(errs, sdk.ConfigError(attributeOf("on_status", key), "Not a status", notAStatus(key)))
		}
	}
	return r, errs
}

// attributeOf is the path of an element of a map. A dot in its name would be read as two steps.
func attributeOf(name, key string) string {
	if strings.Contains(key, ".") {
		return name
	}
	return name + "." + key
}

func notAFate(f fate) string {
	text := fmt.Sprintf("%q is none of \"done\", \"retry\", \"reject\" and \"unavailable\".", f)
	for _, known := range fates {
		// Such as "rejected", "Retry" or "unavialable".
		near := levenshtein.Distance(strings.ToLower(string(f)), string(known), nil) <= 2
		if near || f != "" && strings.HasPrefix(strings.ToLower(string(f)), string(known)) {
			return text + fmt.Sprintf(" Did you mean %q?", known)
		}
	}
	return text
}

func notAStatus(key string) string {
	switch {
	case len(key) == 3 && key[0] == '2':
		return fmt.Sprintf("%q always means done; rules are for 300 to 599.", key)
	case len(key) == 3 && key[0] >= '3' && key[0] <= '5':
		return fmt.Sprintf("%q is neither a status nor a class. Did you mean %q?", key, key[:1]+"xx")
	}
	return fmt.Sprintf("%q is neither a status nor a class; write one like \"404\" or \"4xx\", from 300 to 599.", key)
}
