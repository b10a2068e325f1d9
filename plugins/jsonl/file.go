package jsonl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
)

var errClosed = errors.New("the file is closed")

// handle is what file needs of an *os.File.
type handle interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Sync() error
}

// file appends whole lines. During a reload of the host two processes may have the same path open for a moment, and a
// tool may move the file at any time. So lines go out in single writes that the system appends, and before each write
// file checks that the path still leads to the open file.
type file struct {
	config config
	log    *slog.Logger
	// openHandle is openAppending except in tests.
	openHandle func(path string) (handle, error)

	mu sync.Mutex
	// h is nil after an error: the state of the file is then unknown, and the next append starts with a new handle.
	h        handle
	unsynced bool
	closed   bool
}

func openFile(c config, log *slog.Logger) (*file, error) {
	f := &file{config: c, log: log, openHandle: openAppending}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f, f.open()
}

func openAppending(path string) (handle, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
}

// append writes lines, each with its newline, and makes them as safe as the sync policy says.
func (f *file) append(lines []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return errClosed
	}
	if len(lines) == 0 {
		return nil
	}
	if err := f.prepare(int64(len(lines))); err != nil {
		return err
	}
	if _, err := f.h.Write(lines); err != nil {
		// A part may have been written; open ends that line.
		f.drop()
		return fmt.Errorf("writing: %w", err)
	}
	f.unsynced = true
	if f.config.Sync != syncAlways {
		return nil
	}
	return f.sync()
}

// prepare makes h the file that the next lines belong in.
func (f *file) prepare(more int64) error {
	if f.h == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	info, err := f.h.Stat()
	if err != nil {
		f.drop()
		return fmt.Errorf("looking at the file: %w", err)
	}
	if now, err := os.Stat(f.config.Path); err != nil || !os.SameFile(info, now) {
		// Somebody has moved it, for example another process that rotates.
		return f.reopen()
	}
	limit := int64(min(f.config.MaxSize, 1<<62))
	if limit > 0 && info.Size() > 0 && info.Size()+more > limit {
		return f.rotate()
	}
	return nil
}

func (f *file) reopen() error {
	if err := f.finish(); err != nil {
		return err
	}
	return f.open()
}

// open opens the file, ends a line that a crash has torn, and makes its name durable.
func (f *file) open() error {
	h, err := f.openHandle(f.config.Path)
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	if err := f.endTornLine(h); err != nil {
		return errors.Join(err, h.Close())
	}
	if f.config.Sync != syncNever {
		if err := syncFolder(f.config.Path); err != nil {
			return errors.Join(fmt.Errorf("syncing the folder: %w", err), h.Close())
		}
	}
	f.h = h
	return nil
}

// endTornLine writes the newline that a torn last line lacks, so that it does not spoil the next one.
func (f *file) endTornLine(h handle) error {
	info, err := h.Stat()
	if err != nil {
		return fmt.Errorf("looking at the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", f.config.Path)
	}
	if info.Size() == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := h.ReadAt(last, info.Size()-1); err != nil {
		return fmt.Errorf("reading the last byte: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	f.log.Warn("the last line was torn by a crash; ended it", "path", f.config.Path)
	if _, err := h.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("ending a torn line: %w", err)
	}
	return nil
}

// sync forces what was written to disk. After a failure the system may take pages for clean that never reached the
// disk, so a second sync of the same handle proves nothing: the lines are written again through a new one.
func (f *file) sync() error {
	if f.h == nil || !f.unsynced {
		return nil
	}
	if err := f.h.Sync(); err != nil {
		f.drop()
		return fmt.Errorf("syncing: %w", err)
	}
	f.unsynced = false
	return nil
}

// finish syncs, unless the policy is never, and closes the handle.
func (f *file) finish() error {
	if f.h == nil {
		return nil
	}
	if f.config.Sync != syncNever {
		if err := f.sync(); err != nil {
			return err
		}
	}
	err := f.h.Close()
	f.h, f.unsynced = nil, false
	if err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return nil
}

// drop closes a handle that has failed.
func (f *file) drop() {
	if err := f.h.Close(); err != nil {
		f.log.Debug("closing after an error", "error", err)
	}
	f.h, f.unsynced = nil, false
}

// close syncs and closes; later appends fail.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return f.finish()
}
