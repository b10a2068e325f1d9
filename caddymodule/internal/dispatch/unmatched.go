package dispatch

import (
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

const (
	// unmatchedLooked bounds how many events are looked at, unmatchedKinds how many kinds are told apart.
	unmatchedLooked = 1000
	unmatchedKinds  = 8
)

// Unmatched is what When has passed over. It is only counted as long as no event has been delivered, up to a thousand:
// that is enough to see that a When fits nothing that comes.
type Unmatched struct {
	Events uint64
	// Kinds are what these events were, in the order in which they came; more than a few kinds are left out.
	Kinds []UnmatchedKind
}

// UnmatchedKind counts events of one type and source.
type UnmatchedKind struct {
	Type, Source string
	Events       uint64
}

// noteUnmatched counts an event that When does not want, unless it has its own kind of event that has yet to come.
func (d *Dispatcher) noteUnmatched(e *buffer.Event) {
	u := &d.unmatched
	if d.counts.Delivered > 0 || u.Events >= unmatchedLooked || d.cfg.Awaits != nil && d.cfg.Awaits(e) {
		return
	}
	u.Events++
	// Others read the list that there was.
	u.Kinds = slices.Clone(u.Kinds)
	i := slices.IndexFunc(u.Kinds, func(k UnmatchedKind) bool { return k.Type == e.Type && k.Source == e.Source })
	switch {
	case i >= 0:
		u.Kinds[i].Events++
	case len(u.Kinds) < unmatchedKinds:
		u.Kinds = append(u.Kinds, UnmatchedKind{Type: e.Type, Source: e.Source, Events: 1})
	}
}
