package engine

import (
	"context"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// Restart gives a handler a new process with the same definition, as a reload does for a
// changed one: the new process starts beside the old one, which ends once it has given back
// what is in flight. So it runs the code that is there now, and its breaker is closed. A
// pause stays, and so do the times of next attempts. An *UnknownHandlerError when no handler
// of the name is in force. A *NotRestartedError when the new process does not start: then
// nothing changes.
func (e *Engine) Restart(ctx context.Context, handler string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()

	e.applying.Lock()
	defer e.applying.Unlock()
	if e.destroyed.Load() {
		return buffer.ErrClosed
	}
	old, err := e.runner(handler)
	if err != nil {
		return err
	}
	b, err := e.store.get(ctx)
	if err != nil {
		return err
	}
	fresh := e.newRunner(e.definition(old))
	if err := e.startAll(ctx, []*runner{fresh}, true); err != nil {
		return &NotRestartedError{Name: handler, Cause: err, Running: old.plugin.State().Up, Mistaken: old.def.Mistake != nil}
	}
	next := slices.Clone(e.current())
	next[slices.Index(next, old)] = fresh
	e.replaceRunners(next)
	e.handOver(b, []*runner{fresh}, map[string]*runner{handler: old})
	e.log.Info("handler was restarted", "handler", handler,
		"pid_before", old.plugin.State().PID, "pid", fresh.plugin.State().PID)
	return nil
}

// definition returns the definition of a runner as it stands in the newest handlers file,
// where its place may be another one. applying is held.
func (e *Engine) definition(r *runner) handlersfile.Definition {
	if n := len(e.owners); n > 0 {
		for _, def := range e.owners[n-1].defs {
			if def.Name == r.def.Name {
				return def
			}
		}
	}
	return r.def
}
