package handlersfile

import (
	"errors"
	"slices"
	"testing"
)

func TestUntaken(t *testing.T) {
	const states, errs = `event.type == "VEHICLE_STATE"`, `event.type == "VEHICLE_ERROR"`
	both := []string{"production", "staging"}
	for name, tc := range map[string]struct {
		whens []string // "": none
		// unwanted are the indices of handlers whose plugins do not want errors, mistaken of those with a mistake.
		unwanted, mistaken []int
		want               []string
	}{
		"no handler":                         {},
		"no when":                            {whens: []string{""}},
		"states only":                        {whens: []string{states}, want: both},
		"states only, and errors":            {whens: []string{states, errs}},
		"states only, twice":                 {whens: []string{states, states}, want: both},
		"errors of one source":               {whens: []string{states, errs + ` && event.source == "production"`}, want: []string{"staging"}},
		"errors of each source":              {whens: []string{errs + ` && event.source == "production"`, `event.source == "staging"`}},
		"a plugin that wants no errors":      {whens: []string{""}, unwanted: []int{0}, want: both},
		"and another that wants them":        {whens: []string{"", errs}, unwanted: []int{0}},
		"and another that is not given them": {whens: []string{"", states}, unwanted: []int{0}, want: both},
		"a mistake":                          {whens: []string{states, states}, mistaken: []int{1}},
		"a mistake that wants no errors":     {whens: []string{states}, mistaken: []int{0}, unwanted: []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			var blocks string
			for i, when := range tc.whens {
				line := ""
				if when != "" {
					line = "  when = " + when + "\n"
				}
				blocks += "handler \"h" + string(rune('a'+i)) + "\" {\n  plugin = \"./p\"\n" + line + "}\n"
			}
			var defs []Definition
			if blocks != "" {
				write(t, map[string]string{"handlers.hcl": blocks, "p": program})
				defs = mustLoad(t, "handlers.hcl")
			}
			for _, i := range tc.mistaken {
				defs[i] = defs[i].WithMistake(errors.New("a brace is missing"))
			}
			wants := func(i int) bool { return !slices.Contains(tc.unwanted, i) }
			if got := Untaken(defs, wants, "VEHICLE_ERROR", both); !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
