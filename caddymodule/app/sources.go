package app

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
)

// unknownSources finds in the when of handlers the sources that no receiver has: such a handler gets nothing.
func unknownSources(known []string, definitions []handlersfile.Definition) []string {
	known = slices.Sorted(slices.Values(known))
	var lines []string
	for i := range definitions {
		for _, d := range definitions[i].When.UnknownSources(known) {
			lines = append(lines, handlersfile.Line(d))
		}
	}
	return lines
}

// sourcesOf returns the sources of the receivers in the JSON of Caddy's app http, as far as that can be read.
func sourcesOf(raw json.RawMessage) []string {
	var app struct {
		Servers map[string]*sitecheck.Server `json:"servers"`
	}
	if raw == nil || json.Unmarshal(raw, &app) != nil {
		return nil // what cannot be read is for Caddy to say
	}
	var sources []string
	for _, server := range app.Servers {
		for _, source := range server.Sources() {
			sources = append(sources, cmp.Or(source, DefaultSource))
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}
