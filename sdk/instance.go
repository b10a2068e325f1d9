package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// instance is one open handler: from Configure to Shutdown.
type instance struct {
	handler string
	log     *slog.Logger
	// conditions are those that stand.
	conditions conditions

	mu      sync.Mutex
	closers []func(context.Context) error
	// eventTypes and maxBatch go before those of the plugin where they are set.
	eventTypes []string
	maxBatch   int
}

type instanceKey struct{}

// OnClose registers f to be called when the plugin stops, after the last event is finished. ctx must be the context
// passed to the function that opens the handler; OnClose panics with another. Functions are called in reverse order,
// also when opening fails later. When the context passed to f ends, the host ends the process, whether f has returned
// or not.
func OnClose(ctx context.Context, f func(ctx context.Context) error) {
	s := openingIn(ctx, "OnClose")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closers = append(s.closers, f)
}

// HandlerName is the name that the handlers file gives this handler, "" when ctx is not the SDK's. Two handlers may run
// the same plugin under two names.
func HandlerName(ctx context.Context) string {
	if s := instanceOf(ctx); s != nil {
		return s.handler
	}
	return ""
}

// instanceOf is the open handler that ctx belongs to, nil where that is not the SDK's.
func instanceOf(ctx context.Context) *instance {
	if d, ok := ctx.Value(deliveryKey{}).(*delivery); ok {
		return d.instance
	}
	s, _ := ctx.Value(instanceKey{}).(*instance)
	return s
}

// close calls the closers once, the last one first.
func (s *instance) close(ctx context.Context) error {
	s.mu.Lock()
	closers := s.closers
	s.closers = nil
	s.mu.Unlock()
	var errs []error
	for _, f := range slices.Backward(closers) {
		errs = append(errs, callCloser(ctx, f))
	}
	return errors.Join(errs...)
}

func callCloser(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("closing: panic: %v", r)
		}
	}()
	if err := f(ctx); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return nil
}
