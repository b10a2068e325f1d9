package disk

import (
	"fmt"
	"sync"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// seal remembers the first failure after which nothing may be accepted.
type seal struct {
	once sync.Once
	// broken is closed once cause is set.
	broken chan struct{}
	cause  error
	// first is the failure itself.
	first error
}

func newSeal() *seal {
	return &seal{broken: make(chan struct{})}
}

// set seals for good; only the first cause counts.
func (s *seal) set(cause error) {
	s.once.Do(func() {
		s.first = cause
		if noSpace(cause) {
			// Full as well as sealed: the disk has no room, and the torn write that told us
			// so cannot be taken back.
			s.cause = fmt.Errorf("%w: %w: %w", buffer.ErrSealed, buffer.ErrFull, cause)
		} else {
			s.cause = fmt.Errorf("%w: %w", buffer.ErrSealed, cause)
		}
		close(s.broken)
	})
}

// err is nil until the seal is set.
func (s *seal) err() error {
	select {
	case <-s.broken:
		return s.cause
	default:
		return nil
	}
}

// refusal is why the buffer does not open, nil where nothing failed. It is not ErrSealed: opening is
// tried again.
func (s *seal) refusal() error {
	if s.err() == nil {
		return nil
	}
	if noSpace(s.first) {
		return fmt.Errorf("%w: %w", buffer.ErrFull, s.first)
	}
	return s.first
}
