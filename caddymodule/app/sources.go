package app

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
)

// unknownSources finds in the when of handlers the sources that no receiver has: such a handler gets nothing. Those of
// passing are known, but of what stores no event.
func unknownSources(known, passing []string, definitions []handlersfile.Definition) []string {
	known = slices.Sorted(slices.Values(known))
	var lines []string
	for i := range definitions {
		for _, d := range definitions[i].When.UnknownSources(known, passing) {
			lines = append(lines, handlersfile.Line(d))
		}
	}
	return lines
}

// sourcesOf returns the sources of the receivers in the JSON of Caddy's app http, as far as that can be read, and those of
// what passes events on.
func sourcesOf(raw json.RawMessage) (stored, passing []string) {
	var app struct {
		Servers map[string]*sitecheck.Server `json:"servers"`
	}
	if raw == nil || json.Unmarshal(raw, &app) != nil {
		return nil, nil // what cannot be read is for Caddy to say
	}
	for _, server := range app.Servers {
		stored = append(stored, server.Sources()...)
		passing = append(passing, server.PassingSources()...)
	}
	return named(stored), named(passing)
}

// named gives each source its name once.
func named(sources []string) []string {
	for i, source := range sources {
		sources[i] = cmp.Or(source, DefaultSource)
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}
