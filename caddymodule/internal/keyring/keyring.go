// Package keyring knows whose signatures count for each source: the tokens of all its receivers.
package keyring

import (
	"maps"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Ring holds the tokens of one config. Once it is filled it is safe for concurrent use. The zero value has none.
type Ring struct {
	sources map[string][]*smartcar.Keys
}

// Add notes the tokens of one of a source's receivers.
func (r *Ring) Add(source string, keys *smartcar.Keys) {
	if r.sources == nil {
		r.sources = make(map[string][]*smartcar.Keys)
	}
	r.sources[source] = append(r.sources[source], keys)
}

// Sources returns the names of the sources that have a receiver, sorted.
func (r *Ring) Sources() []string { return slices.Sorted(maps.Keys(r.sources)) }

// Of returns the tokens of each receiver of a source, in the order of the config; none where there is no such source.
func (r *Ring) Of(source string) []*smartcar.Keys { return slices.Clone(r.sources[source]) }

// Same reports whether other is a Ring with the same tokens in the same places.
func (r *Ring) Same(other any) bool {
	o, ok := other.(*Ring)
	return ok && maps.EqualFunc(r.sources, o.sources, func(a, b []*smartcar.Keys) bool {
		return slices.EqualFunc(a, b, (*smartcar.Keys).Equal)
	})
}

// Verify reports whether signature is that of body under a token of one of the source's receivers, and which: its number
// there, from 1.
func (r *Ring) Verify(source string, body []byte, signature string) (token int, ok bool) {
	for _, keys := range r.sources[source] {
		if i, ok := keys.Verify(body, signature); ok {
			return i + 1, true
		}
	}
	return 0, false
}
