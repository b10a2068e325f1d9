package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// ApplyWhenOpen is Apply for an owner that must not fail: at once where the buffer is open, and else as soon as it is.
// Until then the engine tries to open it about once a second, whether an event comes or not. No plugin is needed
// either: a handler whose plugin does not start is kept as down.
//
// With a mistake, which says why the definitions are not known, each handler that the buffer knows is kept as down
// because of it: its events wait. It returns buffer.ErrClosed after Destruct, and no other error.
func (e *Engine) ApplyWhenOpen(ctx context.Context, owner any, defs []handlersfile.Definition, mistake error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()

	e.applying.Lock()
	defer e.applying.Unlock()
	if e.destroyed.Load() {
		return buffer.ErrClosed
	}
	e.setEnding(time.Time{})
	e.setLate(append(e.awaited(), generation{owner: owner, defs: defs, mistake: mistake}))
	e.logLate(e.applyLate(ctx))
	if len(e.awaited()) > 0 && !e.awaiting {
		e.awaiting = true
		e.exiting.Go(e.awaitBuffer)
	}
	return nil
}

// AwaitsBuffer reports whether an owner's handlers wait for the buffer to open.
func (e *Engine) AwaitsBuffer() bool { return len(e.awaited()) > 0 }

// lateFirst puts in force what waits for the buffer, before an Apply: later it would come behind what is newer.
// applying is held.
func (e *Engine) lateFirst(ctx context.Context) error {
	if !e.AwaitsBuffer() {
		return nil
	}
	if _, err := e.store.get(ctx); err != nil {
		return err
	}
	return e.applyLate(ctx)
}

// awaitBuffer tries to open the buffer until it is open, and then applies what waits for that. It gives up where only
// another process can: what waits stays as it is.
func (e *Engine) awaitBuffer() {
	for !e.tryLate() {
		select {
		case <-time.After(reopenAfter):
		case <-e.life.Done():
			return
		}
	}
}

func (e *Engine) tryLate() (done bool) {
	if _, err := e.store.get(e.life); err != nil {
		return false
	}
	select {
	case e.applying <- struct{}{}:
	case <-e.life.Done():
		return true // whoever holds it waits for this to end
	}
	defer e.applying.Unlock()
	err := e.applyLate(e.life)
	e.logLate(err)
	inVain := errors.Is(err, buffer.ErrHalted) || errors.Is(err, buffer.ErrClosed)
	e.awaiting = len(e.awaited()) > 0 && !inVain
	return !e.awaiting
}

// logLate logs why what waits for the buffer could not be put in force, nil if it was. Attempts are many, so only another
// cause than that of the one before is logged. applying is held.
func (e *Engine) logLate(err error) {
	before := e.lateFailed
	e.lateFailed = err
	if err == nil || e.life.Err() != nil || before != nil && before.Error() == err.Error() {
		return
	}
	do := "fix the cause; it is tried again each second"
	if errors.Is(err, buffer.ErrHalted) {
		do = "fix the cause, then restart Caddy"
	}
	e.log.Error("could not put the handlers to work", "error", err, "do", do)
}

// applyLate puts in force what the newest owner wants that waits for the buffer; those before it are its predecessors.
// It does nothing while the buffer is not open. After an error all of it waits on. applying is held.
func (e *Engine) applyLate(ctx context.Context) error {
	late := e.awaited()
	b := e.store.open.Load()
	if len(late) == 0 || b == nil {
		return nil
	}
	for i := range late {
		if late[i].mistake == nil {
			continue
		}
		defs, err := standIns(ctx, *b, late[i].mistake)
		if err != nil {
			// To go on without them would be to say that nobody waits for events any more.
			return fmt.Errorf("reading from the buffer which handlers there were: %w", err)
		}
		late[i].defs = defs
	}
	before, err := e.noteRoster(ctx)
	if err != nil {
		return fmt.Errorf("reading from the buffer which handlers there were: %w", err)
	}
	for i := range late {
		late[i].before = before
	}
	newest := &late[len(late)-1]
	if err := e.change(ctx, newest.defs, false); err != nil {
		return err
	}
	e.setLate(nil)
	e.owners = append(e.owners, late...)
	e.setMistake(newest.mistake)
	e.keepConsumers(ctx, newest.defs)
	return nil
}

// standIns returns a handler that is down because of a mistake for each one that the buffer knows and nobody has
// removed.
func standIns(ctx context.Context, b buffer.Buffer, mistake error) ([]handlersfile.Definition, error) {
	infos, err := b.Consumers(ctx)
	if err != nil {
		return nil, err
	}
	var defs []handlersfile.Definition
	for _, info := range infos {
		if info.OrphanedSince.IsZero() {
			defs = append(defs, handlersfile.Mistaken(info.Name, mistake))
		}
	}
	return defs, nil
}

// awaited returns what waits for the buffer to open.
func (e *Engine) awaited() []generation {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]generation(nil), e.late...)
}

func (e *Engine) setLate(late []generation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.late = late
}

// forgetLate removes an owner that waits for the buffer. applying is held.
func (e *Engine) forgetLate(owner any) {
	late := e.awaited()
	for i := range late {
		if late[i].owner == owner {
			e.setLate(append(late[:i], late[i+1:]...))
			return
		}
	}
}

// lateHandlers are the handlers that will be at work when the buffer is open. It is for a status without others.
func (e *Engine) lateHandlers() []HandlerStatus {
	late := e.awaited()
	if len(late) == 0 {
		return nil
	}
	var handlers []HandlerStatus
	for _, def := range late[len(late)-1].defs {
		handlers = append(handlers, HandlerStatus{Name: def.Name, Place: place(&def), Program: program(&def),
			Starting: true})
	}
	return handlers
}

func (e *Engine) setMistake(mistake error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mistake = mistake
}

// currentMistake is why the handlers files are not in force: also while what they say waits for the buffer.
func (e *Engine) currentMistake() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.late); n > 0 {
		return e.late[n-1].mistake
	}
	return e.mistake
}
