package engine

import (
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// Untaken returns those of the sources from which no handler takes events of a type, whether handlers are paused or
// down or not. Where it is not known which handlers there are, or what a plugin wants, they may take any.
func (e *Engine) Untaken(eventType string, sources []string) []string {
	if e.currentMistake() != nil {
		return nil
	}
	if late := e.awaited(); len(late) > 0 {
		all := func(int) bool { return true }
		return handlersfile.Untaken(late[len(late)-1].defs, all, eventType, sources)
	}
	runners := e.current()
	defs := make([]handlersfile.Definition, len(runners))
	for i, r := range runners {
		defs[i] = r.def
	}
	wants := func(i int) bool { return runners[i].plugin.Wants(eventType) }
	return handlersfile.Untaken(defs, wants, eventType, sources)
}
