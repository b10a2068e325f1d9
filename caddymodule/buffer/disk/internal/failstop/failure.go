package failstop

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Failure remembers the first failure, after which nothing may be accepted.
type Failure struct {
	once sync.Once
	// Halted is closed once cause is set.
	Halted chan struct{}
	// cause wraps first, the failure itself.
	cause, first error
}

func newFailure() *Failure {
	return &Failure{Halted: make(chan struct{})}
}

// Halt stops all writing for good. Only the first cause counts.
func (s *Failure) Halt(cause error) {
	s.once.Do(func() {
		s.first = cause
		if noSpace(cause) {
			// Full as well as halted: the disk has no room, and the torn write that told us so cannot be undone.
			s.cause = fmt.Errorf("%w: %w: %w", buffer.ErrHalted, buffer.ErrFull, cause)
		} else {
			s.cause = fmt.Errorf("%w: %w", buffer.ErrHalted, cause)
		}
		close(s.Halted)
	})
}

// Err is nil until Halt is called.
func (s *Failure) Err() error {
	select {
	case <-s.Halted:
		return s.cause
	default:
		return nil
	}
}

// OpenError is why the store does not open, nil where nothing failed. It is not ErrHalted, since opening is tried
// again.
func (s *Failure) OpenError() error {
	if s.Err() == nil {
		return nil
	}
	if noSpace(s.first) {
		return fmt.Errorf("%w: %w", buffer.ErrFull, s.first)
	}
	return s.first
}

// noSpace tells a full disk, or a used up quota, from other errors.
func noSpace(err error) bool {
	return vfs.IsNoSpaceError(err) || errors.Is(err, syscall.EDQUOT)
}
