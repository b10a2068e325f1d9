package disk

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// seal remembers the first failure after which nothing may be accepted.
type seal struct {
	once sync.Once
	// broken is closed once cause is set.
	broken chan struct{}
	cause  error
}

func newSeal() *seal {
	return &seal{broken: make(chan struct{})}
}

// set seals for good; only the first cause counts.
func (s *seal) set(cause error) {
	s.once.Do(func() {
		if vfs.IsNoSpaceError(cause) {
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
