package failstop

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// fullPause is how long a write that found the disk full waits before it is tried again.
const fullPause = 100 * time.Millisecond

// diskFull lets the store survive a disk that others fill faster than the headroom is checked. A write that finds no
// space has failed cleanly: how much of it was written is known, and the rest can be written once there is space again.
// So it waits, new events are refused meanwhile, and nobody has to restart anything. A sync that finds no space is
// different: what was written before may be lost, so it halts the buffer like any failed sync.
type diskFull struct {
	log *slog.Logger
	// path is the buffer's directory. closing and failure end all waiting.
	path    string
	closing <-chan struct{}
	failure *Failure
	// open is set when the store is: before, a full disk is an error of Open.
	armed atomic.Bool
	// waiting counts the writes that wait.
	waiting atomic.Int64
}

// err is why no event can be taken while a write waits for space, else nil.
func (d *diskFull) err() error {
	if d.waiting.Load() == 0 {
		return nil
	}
	return fmt.Errorf("%w: no space left, a write waits for it", buffer.ErrNoSpace)
}

// retryOnFull does what needs space until it has some, or the buffer is closed or halted.
func (d *diskFull) retryOnFull(op func() error) error {
	err := op()
	if err == nil || !noSpace(err) || !d.armed.Load() {
		return err
	}
	if d.waiting.Add(1) == 1 {
		d.log.Error("buffer: the disk is full, events are refused and what is being stored waits until there is space "+
			"again: make room on it",
			"path", d.path, "error", text.FirstLine(err.Error()))
	}
	again := time.NewTicker(fullPause)
	defer again.Stop()
	for err != nil && noSpace(err) {
		select {
		case <-d.closing:
			d.waiting.Add(-1)
			return err
		case <-d.failure.Halted:
			d.waiting.Add(-1)
			return err
		case <-again.C:
			err = op()
		}
	}
	if d.waiting.Add(-1) == 0 && err == nil {
		d.log.Info("buffer: the disk has space again", "path", d.path)
	}
	return err
}
