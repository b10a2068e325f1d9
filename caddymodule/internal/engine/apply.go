package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// Apply puts an owner's definitions in force: runners whose definition did not change go on,
// new and changed ones are started, others end. If there is an earlier owner, and a plugin
// does not start or does not take its config, nothing changes: Apply returns an error with
// handler and file:line. Without an earlier owner such a handler is kept as down and tried
// again, and its events wait. Owner must be comparable; applying with the same owner again
// replaces its definitions.
//
// Apply returns when the new handlers deliver; a changed one waits for the
// deliveries of the old one up to DrainTimeout.
func (e *Engine) Apply(ctx context.Context, owner any, defs []handlersfile.Definition) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()

	e.applying.Lock()
	defer e.applying.Unlock()
	if e.destroyed.Load() {
		return buffer.ErrClosed
	}
	e.setEnding(time.Time{})
	if err := e.lateFirst(ctx); err != nil {
		return err
	}
	strict := len(e.owners) > 0
	before, err := e.noteRoster(ctx)
	if err != nil && strict {
		return err
	}
	if err := e.change(ctx, defs, strict); err != nil {
		e.goBackTo(before) // without what the refused one created
		return err
	}
	if again := e.forget(owner); again != nil {
		before = again.before
	}
	e.owners = append(e.owners, generation{owner: owner, defs: defs, before: before})
	e.setMistake(nil)
	e.keepConsumers(ctx, defs)
	return nil
}

// Release withdraws the definitions of an owner that was in force. If it is the newest owner,
// those of the one before are in force again: processes that had ended are started again, and
// one that does not start is kept as down. If it was the last owner, all handlers end, and the
// time that Destruct has begins to run; their consumers stay for the next start. Release goes
// on when ctx has ended, and gives up only for Destruct. Releasing an unknown owner does
// nothing.
func (e *Engine) Release(ctx context.Context, owner any) {
	e.withdraw(ctx, owner, func(ctx context.Context, _ *generation) {
		// Caddy or the app ends where there is no owner. The next start may have any handlers,
		// so all consumers are kept.
		if n := len(e.owners); n > 0 {
			e.keepConsumers(ctx, e.owners[n-1].defs)
		}
	})
}

// withdraw takes the definitions of an owner out of force, and calls then if that was the newest.
func (e *Engine) withdraw(ctx context.Context, owner any, then func(context.Context, *generation)) {
	// Caddy releases in Cleanup, when the config's context has just ended.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()

	e.applying.Lock()
	defer e.applying.Unlock()
	newest := len(e.owners) > 0 && e.owners[len(e.owners)-1].owner == owner
	g := e.forget(owner)
	e.forgetLate(owner)
	if !newest || e.destroyed.Load() {
		return
	}
	var defs []handlersfile.Definition
	var mistake error
	if n := len(e.owners); n > 0 {
		defs, mistake = e.owners[n-1].defs, e.owners[n-1].mistake
	} else {
		e.setEnding(time.Now())
	}
	if err := e.change(ctx, defs, false); err != nil {
		e.log.Error("could not go back to the handlers of the config before, or end them", "error", err)
		return
	}
	e.setMistake(mistake)
	then(ctx, g)
}

// keepConsumers tells the buffer whose events to keep.
func (e *Engine) keepConsumers(ctx context.Context, defs []handlersfile.Definition) {
	b, err := e.store.get(ctx)
	if err == nil {
		names := make([]string, len(defs))
		for i := range defs {
			names[i] = defs[i].Name
		}
		err = b.KeepConsumers(ctx, names...)
	}
	if err != nil {
		e.log.Error("the buffer does not know which handlers there are now: "+
			"it goes by those of before until the next reload", "error", err)
	}
}

// forget removes an owner and returns what it asked for, nil if it was none.
func (e *Engine) forget(owner any) *generation {
	for i, g := range e.owners {
		if g.owner == owner {
			e.owners = append(e.owners[:i:i], e.owners[i+1:]...)
			return &g
		}
	}
	return nil
}

// change replaces the runners by those that defs define. When strict, any failure makes it
// fail before anything has changed.
func (e *Engine) change(ctx context.Context, defs []handlersfile.Definition, strict bool) error {
	b, err := e.store.get(ctx)
	if err != nil {
		return err
	}
	before := make(map[string]*runner)
	for _, r := range e.current() {
		before[r.def.Name] = r
	}
	next := make([]*runner, len(defs))
	var fresh []*runner
	moved := make(map[*runner]places)
	for i, def := range defs {
		old := before[def.Name]
		if old != nil && old.def.Fingerprint == def.Fingerprint {
			next[i] = old
			moved[old] = placesOf(&def)
			delete(before, def.Name)
			continue
		}
		next[i] = e.newRunner(def)
		fresh = append(fresh, next[i])
	}

	if err := e.startAll(ctx, fresh, strict); err != nil {
		return err
	}
	if err := e.createConsumers(ctx, b, fresh, before, strict); err != nil {
		return err
	}
	e.replaceRunners(next)
	for r, now := range moved {
		r.moved(now)
	}
	e.handOver(b, fresh, before)
	return nil
}

// startAll starts the runners' processes side by side. When strict and one fails, all
// are stopped again.
func (e *Engine) startAll(ctx context.Context, fresh []*runner, strict bool) error {
	errs := make([]error, len(fresh))
	var wg sync.WaitGroup
	for i, r := range fresh {
		wg.Go(func() {
			if err := r.plugin.Start(ctx); err != nil {
				errs[i] = inPlace(&r.def, err)
			}
		})
	}
	wg.Wait()
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	if strict {
		e.discard(fresh)
		return err
	}
	for i, err := range errs {
		if err != nil && fresh[i].def.Mistake == nil { // a mistake has been logged where it was found
			e.log.Error("handler is down: its events wait in the buffer, and its start is tried again", "error", err)
		}
	}
	return nil
}

// createConsumers opens the consumers of handlers that have none yet, so that events
// wait for them from now on. The processes have started before: a consumer of a refused
// config would keep events for no handler.
func (e *Engine) createConsumers(ctx context.Context, b buffer.Buffer, fresh []*runner, before map[string]*runner, strict bool) error {
	var specs []buffer.ConsumerSpec
	for _, r := range fresh {
		specs = append(specs, buffer.ConsumerSpec{Name: r.def.Name, Start: start(r.def.Start)})
	}
	// In one step: on a buffer that never had a handler all of them get what is stored.
	if err := b.CreateConsumers(ctx, specs...); err != nil && strict {
		e.discard(fresh)
		return fmt.Errorf("creating the handlers' positions in the buffer: %w", err)
	}
	for _, r := range fresh {
		if before[r.def.Name] != nil {
			continue // the old runner has it open
		}
		if err := r.open(ctx, b); err != nil && strict {
			e.discard(fresh)
			return inPlace(&r.def, err)
		}
	}
	return nil
}

// discard ends runners that never delivered.
func (e *Engine) discard(fresh []*runner) {
	ctx, cancel := context.WithTimeout(context.Background(), e.opts.DrainTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, r := range fresh {
		wg.Go(func() {
			defer r.tally.end(r)
			if err := r.stop(ctx, ctx); err != nil {
				e.log.Warn("stopping a handler that was not put to work", "handler", r.def.Name, "error", err)
			}
		})
	}
	wg.Wait()
}

// handOver ends the runners before and lets the fresh ones deliver, each as soon as
// its predecessor has closed the consumer.
func (e *Engine) handOver(b buffer.Buffer, fresh []*runner, before map[string]*runner) {
	// Not from e.life: Caddy destructs right after a release, which must not cut off what is
	// in flight. This drain began earlier, so it ends before Destruct's own.
	drain, cancel := context.WithTimeout(e.grace, e.opts.DrainTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, r := range fresh {
		old := before[r.def.Name]
		delete(before, r.def.Name)
		wg.Go(func() {
			e.retire(drain, old)
			r.deliver(b)
			r.plugin.Supervise()
		})
	}
	for _, old := range before {
		wg.Go(func() { e.retire(drain, old) })
	}
	wg.Wait()
}

// retire ends a runner's deliveries, and then its process in the background. A process that
// still has events after the drain is ended first, because its successor gets them and two
// processes must not have one event.
func (e *Engine) retire(drain context.Context, old *runner) {
	if old == nil {
		return
	}
	err := old.endDelivery(drain)
	if err != nil {
		e.log.Warn("a handler that is replaced or removed did not finish in time", "handler", old.def.Name, "error", err)
	}
	if err != nil || drain.Err() != nil { // it was cut off, and may be at work all the same
		e.stopOld(old, pluginsGrace)
		return
	}
	e.exiting.Go(func() { e.stopOld(old, e.opts.DrainTimeout) })
}

// stopOld ends a process that is out of force. Destruct shortens the time to its own.
func (e *Engine) stopOld(old *runner, within time.Duration) {
	ctx, cancel := context.WithTimeout(e.grace, within)
	defer cancel()
	defer old.tally.end(old)
	if err := old.plugin.Stop(ctx); err != nil {
		e.log.Warn("an old plugin did not end by itself", "handler", old.def.Name, "error", err)
	}
}

func (e *Engine) newRunner(def handlersfile.Definition) *runner {
	r := &runner{
		def: def, place: placesOf(&def), config: e.dispatchConfig(&def), log: e.log,
		pausing: &e.pausing, begun: make(chan struct{}), left: make(chan struct{}),
		ownWords: def.Plugin != "" && (e.opts.PassesOn == nil || !e.opts.PassesOn(def.Plugin)),
	}
	if spec, err := e.pluginSpec(&r.def); err != nil {
		r.plugin = absent{why: err}
	} else {
		r.plugin = &tracedPlugin{Plugin: e.opts.NewPlugin(spec), name: def.Name, tracers: &e.tracers}
	}
	r.tally = e.tallyOf(def.Name)
	r.tally.begin(r)
	return r
}
