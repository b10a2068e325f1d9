package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Knows reports whether the event of a source would be found as a duplicate, opening the buffer first if need be. It
// changes nothing.
func (e *Engine) Knows(ctx context.Context, source, id string) (bool, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return false, err
	}
	switch _, err := b.Lookup(ctx, source, id); {
	case err == nil:
		return true, nil
	case errors.Is(err, buffer.ErrNotFound):
		return false, nil
	default:
		return false, fmt.Errorf("looking for a duplicate: %w", err)
	}
}

// ClockJump is the jump of the system's clock that the buffer does not believe yet, none while it is not open.
func (e *Engine) ClockJump() buffer.ClockJump {
	b := e.store.open.Load()
	if b == nil {
		return buffer.ClockJump{}
	}
	return (*b).Stats().ClockJump
}
