package engine

import (
	"context"
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// ErrNoDamaged says that the buffer sets no files aside.
var ErrNoDamaged = errors.New("this buffer sets no damaged files aside")

// RecoverDamaged stores the events anew that can be read in damaged files which were set aside; see buffer.Recoverer.
func (e *Engine) RecoverDamaged(ctx context.Context, name string, dryRun bool) (buffer.Recovered, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return buffer.Recovered{}, err
	}
	r, ok := b.(buffer.Recoverer)
	if !ok {
		return buffer.Recovered{}, ErrNoDamaged
	}
	return r.RecoverDamaged(ctx, name, dryRun)
}
