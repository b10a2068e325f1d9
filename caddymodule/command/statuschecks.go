package command

import (
	"fmt"
	"slices"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// unchecked says which receivers of a source could not be asked, and why.
func (p printer) unchecked(v *api.Status, s api.Source) (lines []string) {
	for _, c := range s.SelfChecks {
		if c.State == api.CheckUnchecked {
			lines = append(lines, fmt.Sprintf("%s at %s could not be checked at %s: %s",
				s.Name, c.URL, p.brief(c.At, v.At, time.TimeOnly), c.Why))
		}
	}
	return lines
}

// reached says whether the receivers have been asked.
func reached(p printer, v *api.Status) string {
	var checks []api.SelfCheck
	for _, s := range v.Sources {
		checks = append(checks, s.SelfChecks...)
	}
	is := func(state string) func(api.SelfCheck) bool {
		return func(c api.SelfCheck) bool { return c.State == state }
	}
	switch {
	case slices.ContainsFunc(checks, is(api.CheckPending)):
		return ", self-check under way"
	case slices.ContainsFunc(checks, is(api.CheckReached)):
		return ", reached" + lastChecked(p, v)
	default:
		return ""
	}
}

// lastChecked is when receivers were asked last.
func lastChecked(p printer, v *api.Status) string {
	var last time.Time
	for _, s := range v.Sources {
		for _, c := range s.SelfChecks {
			if c.At.After(last) {
				last = c.At
			}
		}
	}
	return " at " + p.brief(last, v.At, time.TimeOnly)
}
