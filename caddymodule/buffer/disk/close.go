package disk

import (
	"errors"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// Close implements buffer.Buffer.
func (b *Buffer) Close() error {
	b.closeOnce.Do(func() {
		close(b.closing)
		b.logWaiting()
		b.committer.stop()
		b.loops.Wait()
		b.wakeAll()
		b.storeClock()
		b.flushAll()
		if err := b.closeStore(); err != nil && b.failure.Err() == nil {
			b.closeErr = fmt.Errorf("closing buffer %s: %w", b.opts.Path, err)
			return
		}
		b.writeControl(true)
	})
	return b.closeErr
}

// logWaiting says what waits when the buffer is closed: it is delivered only when a later start opens this directory.
func (b *Buffer) logWaiting() {
	for _, st := range b.consumersByName() {
		s := st.stats(b.durable.Load())
		if waiting := s.Waiting(); waiting > 0 {
			b.log.Info("buffer: closed with events that wait, until the directory is opened again", "path", b.opts.Path,
				"consumer", st.name, "events", waiting)
		}
	}
}

// closeOnHalt closes the store as soon as the buffer is halted. Its background work would otherwise go on with files
// that are no longer written.
func (b *Buffer) closeOnHalt() {
	select {
	case <-b.closing:
		return
	case <-b.failure.Halted:
	}
	b.log.Error("buffer is halted: nothing more is stored or delivered until Caddy is restarted with a healthy disk",
		"path", b.opts.Path, "error", text.FirstLine(b.failure.Err().Error()))
	b.wakeAll()
	_ = b.closeStore() // what failed before says more
}

func (b *Buffer) closeStore() error {
	b.dbMu.Lock()
	defer b.dbMu.Unlock()
	if b.db == nil || b.committer.stuck.Load() {
		return nil
	}
	return b.closeFiles()
}

// closeFiles closes the store and the log. The caller holds dbMu, or is alone.
func (b *Buffer) closeFiles() error {
	var err error
	if b.events != nil {
		err = b.events.Close()
	}
	err = errors.Join(err, b.db.Close())
	b.db = nil
	b.fs.Release()
	if b.lock != nil {
		err = errors.Join(err, b.lock.Close())
	}
	return err
}
