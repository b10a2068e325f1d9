package powercut_test

import (
	"context"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// act does one thing that may happen to an installation, beside the load.
func (h *history) act() {
	if h.removed != "" && time.Since(h.since) > 3*time.Minute {
		h.putBack() // before its events may be trimmed
	}
	name := h.ledger.handlers[h.rnd.IntN(len(h.ledger.handlers))]
	switch h.rnd.IntN(24) {
	case 0, 1:
		h.reload(h.files[h.rnd.IntN(len(h.files))], false)
	case 2:
		h.reload(h.files[h.rnd.IntN(len(h.files))], true)
	case 3:
		h.remove(name)
	case 4:
		h.putBack()
	case 5:
		h.pause(name, true)
	case 6, 7:
		for _, name := range h.ledger.handlers {
			h.pause(name, false)
		}
	case 8, 9:
		h.crash(name)
	case 10:
		h.restart()
	case 11, 12:
		h.replay(name)
	}
}

// reload puts other definitions in force, as Caddy does: the new config first, then the
// old one is released. When it is taken back, the new one is released instead.
func (h *history) reload(defs []handlersfile.Definition, takenBack bool) {
	ctx := context.Background()
	if h.removed != "" {
		defs = without(defs, h.removed)
	}
	before, old := h.owner, h.defs
	h.owner++
	err := h.apply(h.owner, defs)
	switch {
	case h.machine.struck():
		return // the next life begins with the definitions of before
	case err != nil:
		h.owner = before
		if h.refusals == 0 {
			h.t.Errorf("seed %d: a reload fails: %v", h.seed, err)
		}
		h.ledger.reloaded(true)
		return
	}
	if takenBack {
		h.applying = map[string]handlersfile.Definition{}
		for _, def := range old {
			h.applying[def.Name] = def
		}
		h.engine.Release(ctx, h.owner)
		h.owner = before
	} else {
		h.engine.Release(ctx, before)
		h.defs = defs
	}
	h.ledger.applied(ctx, h.life, defs, h.engine)
	h.ledger.reloaded(false)
}

// remove takes a handler out of the file; its events wait for it.
func (h *history) remove(name string) {
	if h.removed != "" || len(h.ledger.handlers) == 1 {
		return
	}
	h.removed, h.since = name, time.Now()
	h.reload(h.defs, false)
}

func (h *history) putBack() {
	if h.removed == "" {
		return
	}
	h.removed = ""
	h.reload(h.files[h.rnd.IntN(len(h.files))], false)
	if len(h.defs) < len(h.ledger.handlers) {
		// Refused, or the power went: the next start has it.
		h.defs = h.files[0]
		if !h.machine.struck() {
			h.restart()
		}
	}
}

func without(defs []handlersfile.Definition, name string) (rest []handlersfile.Definition) {
	for _, def := range defs {
		if def.Name != name {
			rest = append(rest, def)
		}
	}
	return rest
}

// pause pauses a handler, or lets it go on.
func (h *history) pause(name string, paused bool) {
	if name == h.removed {
		return
	}
	h.ledger.pauses(h.life, name, paused)
	var err error
	if paused {
		err = h.engine.Pause(context.Background(), name)
		synctest.Wait() // a call that began just before may still be on its way
	} else {
		err = h.engine.Resume(context.Background(), name)
	}
	if err != nil && !h.machine.struck() {
		h.t.Errorf("seed %d: pausing: %v", h.seed, err)
	}
	if err == nil {
		h.ledger.isPaused(h.life, name, paused)
	}
}

// crash ends a handler's process.
func (h *history) crash(name string) {
	h.mu.Lock()
	p := h.processes[name]
	h.mu.Unlock()
	if p != nil {
		p.crash(time.Duration(h.rnd.IntN(3000)) * time.Millisecond)
	}
}

// replay gives a handler some settled events again, or its dead letters.
func (h *history) replay(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var jobs []replay.Job
	if h.rnd.IntN(2) == 0 {
		job, err := h.engine.ReplayEvents(ctx, name, replay.Filter{Vehicle: vehicle(h.rnd.IntN(h.vehicles))}, 100)
		if err == nil {
			jobs = append(jobs, job)
		}
	} else {
		jobs, _, _ = h.engine.ReplayDeadLetters(ctx, replay.Filter{Handler: name}, 100)
	}
	h.ledger.began(h.life, jobs)
}
