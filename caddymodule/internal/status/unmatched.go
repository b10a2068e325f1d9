package status

import (
	"fmt"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

const (
	// manyUnmatched events without one that a handler wants are no accident.
	manyUnmatched = 50
	// namedKinds is how many kinds of events are named.
	namedKinds = 3
)

// unmatchedAttention is about handlers whose when has fitted nothing that came.
func unmatchedAttention(handlers []engine.HandlerStatus) []api.Attention {
	var list []api.Attention
	for i := range handlers {
		h := &handlers[i]
		d := &h.Dispatch
		if d.Unmatched.Events < manyUnmatched || d.Delivered+d.Retried+d.Dead > 0 || d.InFlight > 0 || d.WaitingLanes > 0 {
			continue
		}
		list = append(list, api.Attention{
			Kind: api.HandlerUnmatched, Level: api.LevelWarning, Handler: h.Name,
			What: fmt.Sprintf("%s has got nothing since its start: its when (%s) has skipped %s, such as %s",
				h.Name, h.WhenPlace, text.Plural(d.Skipped, "event"), kinds(d.Unmatched.Kinds)),
			Do: "compare the when with these, put it right and reload; if it waits for something rare, leave it",
		})
	}
	return list
}

// kinds says what events were.
func kinds(list []dispatch.UnmatchedKind) string {
	var parts []string
	for i, k := range list {
		if i == namedKinds {
			parts = append(parts, "and others")
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s from %s", text.Count(k.Events), text.ASCII(k.Type, 40), k.Source))
	}
	return strings.Join(parts, ", ")
}
