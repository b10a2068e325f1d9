package sdk

import (
	"context"
	"fmt"
	"slices"
)

// SetEventTypes is [WithEventTypes] for a handler whose config decides which events it wants. The function that opens
// the handler calls it, with its context.
func SetEventTypes(ctx context.Context, types ...string) {
	s := openingIn(ctx, "SetEventTypes")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.eventTypes = slices.Clone(types)
}

// SetMaxBatch is [WithMaxBatch] for a [BatchHandler] whose config decides how many events one call takes at most. The
// function that opens the handler calls it, with its context. It panics where n is out of range.
func SetMaxBatch(ctx context.Context, n int) {
	s := openingIn(ctx, "SetMaxBatch")
	if n < 1 || n > maxMaxBatch {
		panic(fmt.Sprintf("sdk: SetMaxBatch(%d): it must be from 1 to %d", n, maxMaxBatch))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxBatch = n
}

// openingIn is the instance whose handler is opened in ctx. It panics in any other context, which is a mistake in the
// plugin.
func openingIn(ctx context.Context, function string) *instance {
	s, ok := ctx.Value(instanceKey{}).(*instance)
	if !ok {
		panic("sdk: " + function + " needs the context of the function that opens the handler")
	}
	return s
}

// late is what the function that opened the handler has set; nothing and 0 where it has not.
func (s *instance) late() (eventTypes []string, maxBatch int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.eventTypes, s.maxBatch
}
