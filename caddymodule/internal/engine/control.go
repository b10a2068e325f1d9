package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// Pause stops deliveries to a handler, durably: also over restarts and reloads, until
// Resume. Its events wait. Pausing a paused handler does nothing. An *UnknownHandlerError
// when no handler of the name is in force.
func (e *Engine) Pause(ctx context.Context, handler string) error {
	return e.setPaused(ctx, handler, true)
}

// Resume lets a handler go on, at once: it ends a pause, closes an open breaker, and what
// waits for its next attempt is due. What it makes due is not stored, only the end of the
// pause is.
func (e *Engine) Resume(ctx context.Context, handler string) error {
	return e.setPaused(ctx, handler, false)
}

func (e *Engine) setPaused(ctx context.Context, handler string, paused bool) error {
	if _, err := e.runner(handler); err != nil {
		return err
	}
	b, err := e.store.get(ctx)
	if err != nil {
		return err
	}
	// A runner that begins meanwhile reads the state before or after, not in between.
	e.pausing.Lock()
	defer e.pausing.Unlock()
	if err := b.PauseConsumer(ctx, handler, paused); err != nil {
		return fmt.Errorf("storing whether handler %q is paused: %w", handler, err)
	}
	r, err := e.runner(handler)
	if err != nil {
		return err // removed meanwhile; it will be paused when it comes back
	}
	if paused {
		r.pause()
	} else {
		r.resume()
	}
	e.log.Info("handler was paused or resumed", "handler", handler, "paused", paused)
	return nil
}

// Drain pauses a handler and waits until nothing is in flight, or ctx ends: then it
// stays paused, and the error says so. dispatch.ErrResumed, wrapped, when somebody
// resumes it meanwhile.
func (e *Engine) Drain(ctx context.Context, handler string) error {
	if err := e.Pause(ctx, handler); err != nil {
		return err
	}
	for {
		r, err := e.atWork(ctx, handler)
		if err != nil {
			return err
		}
		err = r.delivering().Drain(ctx)
		if errors.Is(err, dispatch.ErrStopped) && ctx.Err() == nil {
			continue // replaced meanwhile, and its successor is paused too
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, dispatch.ErrResumed):
			return fmt.Errorf("draining handler %q: %w", handler, err)
		}
		return fmt.Errorf("draining handler %q, which stays paused: %w", handler, err)
	}
}

// Forget removes what the buffer keeps for a handler that is gone: its position, its
// waiting events, its replays. Its dead letters stay. A *ConfiguredError while the handler
// is configured; a *NotRemovedError when there is nothing of that name.
func (e *Engine) Forget(ctx context.Context, handler string) error {
	b, err := e.store.get(ctx)
	if err != nil {
		return err
	}
	// An Apply under way may be about to put the handler back.
	e.applying.Lock()
	defer e.applying.Unlock()
	if e.destroyed.Load() {
		return buffer.ErrClosed
	}
	if _, err := e.runner(handler); err == nil {
		return &ConfiguredError{Name: handler}
	}
	err = b.ForgetConsumer(ctx, handler)
	if errors.Is(err, buffer.ErrNotFound) {
		return e.notForgettable(ctx, b, handler)
	}
	if err != nil {
		return fmt.Errorf("forgetting handler %q: %w", handler, err)
	}
	e.log.Warn("a removed handler is forgotten, with the events that waited for it", "handler", handler)
	return nil
}

// notForgettable returns the error that names what can be forgotten.
func (e *Engine) notForgettable(ctx context.Context, b buffer.Buffer, handler string) error {
	infos, err := b.Consumers(ctx)
	if err != nil {
		return fmt.Errorf("forgetting handler %q: %w", handler, buffer.ErrNotFound)
	}
	var removed []string
	for _, info := range infos {
		if _, err := e.runner(info.Name); err != nil {
			removed = append(removed, info.Name)
		}
	}
	return &NotRemovedError{Name: handler, Removed: removed}
}

// runner returns the runner in force of a name, or an *UnknownHandlerError.
func (e *Engine) runner(name string) (*runner, error) {
	var names []string
	for _, r := range e.current() {
		if r.def.Name == name {
			return r, nil
		}
		names = append(names, r.def.Name)
	}
	slices.Sort(names)
	return nil, &UnknownHandlerError{Name: name, Known: names}
}

// atWork returns the runner in force of a name once it delivers: in a handover that is
// when the one before has drained.
func (e *Engine) atWork(ctx context.Context, name string) (*runner, error) {
	for {
		r, err := e.runner(name)
		if err != nil {
			return nil, err
		}
		if err := r.trouble(); err != nil {
			return nil, fmt.Errorf("handler %q is not at work: %w", name, err)
		}
		select {
		case <-r.left: // it is in force no more
		case <-r.begun:
			return r, nil
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for handler %q to be at work: %w", name, ctx.Err())
		}
	}
}
