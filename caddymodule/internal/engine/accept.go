package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// AcceptBuffer takes for the buffer what is at its place now, where that is another one than was there, or none
// (buffer.ErrOtherBuffer), and opens it. Errors: *NothingToAcceptError where the buffer opens without, or why it does
// not open.
func (e *Engine) AcceptBuffer(ctx context.Context) error {
	err := e.Open(ctx)
	if err == nil {
		return &NothingToAcceptError{Key: e.store.key()}
	}
	if !errors.Is(err, buffer.ErrOtherBuffer) {
		return err
	}
	if err := e.store.accept(ctx); err != nil {
		return err
	}
	if err := e.Open(ctx); err != nil {
		return err
	}
	e.log.Warn("the buffer is another one than was there, and an operator has accepted it", "buffer", e.store.key(),
		"refused_before", err)
	return nil
}

func (s *store) key() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opener.Key()
}

// accept has the opener take what is there, and the next call try to open it.
func (s *store) accept(ctx context.Context) error {
	s.mu.Lock()
	accepter, ok := s.opener.(buffer.Accepter)
	err := s.failed
	s.mu.Unlock()
	if !ok {
		return err // it knows no other way
	}
	if err := accepter.Accept(); err != nil {
		return err
	}
	// An attempt under way may have looked before.
	s.mu.Lock()
	o := s.opening
	s.mu.Unlock()
	if o != nil {
		select {
		case <-o.done:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the buffer to open: %w", ctx.Err())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failedAt = time.Time{}
	return nil
}
