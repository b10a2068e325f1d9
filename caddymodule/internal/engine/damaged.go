package engine

import (
	"context"
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// ErrNoDamaged says that the buffer sets no files aside.
var ErrNoDamaged = errors.New("this buffer sets no damaged files aside")

// RecoverDamaged gives back what can be read in damaged files which were set aside; see buffer.Recoverer.
func (e *Engine) RecoverDamaged(ctx context.Context, name string, dryRun bool) (buffer.Recovered, error) {
	r, err := e.recoverer(ctx)
	if err != nil {
		return buffer.Recovered{}, err
	}
	return r.RecoverDamaged(ctx, name, dryRun)
}

// RemoveDamaged deletes damaged files which were set aside; see buffer.Recoverer.
func (e *Engine) RemoveDamaged(ctx context.Context, name string, force bool) error {
	r, err := e.recoverer(ctx)
	if err != nil {
		return err
	}
	return r.RemoveDamaged(ctx, name, force)
}

// recoverer is the open buffer, if it sets files aside.
func (e *Engine) recoverer(ctx context.Context) (buffer.Recoverer, error) {
	b, err := e.store.get(ctx)
	if err != nil {
		return nil, err
	}
	r, ok := b.(buffer.Recoverer)
	if !ok {
		return nil, ErrNoDamaged
	}
	return r, nil
}
