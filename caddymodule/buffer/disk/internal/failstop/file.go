package failstop

import (
	"io"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// wrappedFile is a file that was opened for writing, or a directory.
type wrappedFile struct {
	vfs.File
	fs   *FS
	path string
	// written is what was written so far of a file that only grows.
	written stamp
	grows   bool
}

// noteSynced tells the control file what is on the disk now.
func (w *wrappedFile) noteSynced() {
	if w.grows && !w.fs.halted() {
		w.fs.control.synced(w.written)
	}
}

func (w *wrappedFile) Write(p []byte) (int, error) {
	if w.fs.halted() {
		return len(p), nil
	}
	grown := w.written
	if w.grows {
		// Before it is written: a file system may do with p what it wants.
		grown.Size += int64(len(p))
		grown.Sum = format.ExtendChecksum(grown.Sum, p)
	}
	rest := p
	err := w.fs.diskFull.retryOnFull(func() error {
		n, err := w.File.Write(rest)
		rest = rest[n:]
		return err
	})
	if !w.fs.hide("writing", w.path, err) {
		w.written = grown
	}
	return len(p), nil
}

func (w *wrappedFile) WriteAt(p []byte, off int64) (int, error) {
	return len(p), w.fs.change("writing", w.path, func() error {
		_, err := w.File.WriteAt(p, off)
		return err
	})
}

func (w *wrappedFile) Sync() error {
	_ = w.fs.do("syncing", w.path, w.File.Sync)
	w.noteSynced()
	return nil
}

func (w *wrappedFile) SyncData() error {
	_ = w.fs.do("syncing", w.path, w.File.SyncData)
	w.noteSynced()
	return nil
}

func (w *wrappedFile) SyncTo(length int64) (full bool, err error) {
	err = w.fs.do("syncing", w.path, func() (err error) {
		full, err = w.File.SyncTo(length)
		return err
	})
	if full {
		w.noteSynced()
	}
	return full, err
}

// Close always closes: a file must not leak because the buffer is halted.
func (w *wrappedFile) Close() error {
	w.fs.hide("closing", w.path, w.File.Close())
	return nil
}

// droppedFile stands for a file that a halted buffer no longer writes.
type droppedFile struct{ name string }

func (droppedFile) Close() error                           { return nil }
func (droppedFile) Read([]byte) (int, error)               { return 0, io.EOF }
func (droppedFile) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (droppedFile) Write(p []byte) (int, error)            { return len(p), nil }
func (droppedFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (droppedFile) Preallocate(int64, int64) error         { return nil }
func (droppedFile) Sync() error                            { return nil }
func (droppedFile) SyncTo(int64) (bool, error)             { return false, nil }
func (droppedFile) SyncData() error                        { return nil }
func (droppedFile) Prefetch(int64, int64) error            { return nil }
func (droppedFile) Fd() uintptr                            { return vfs.InvalidFd }
func (f droppedFile) Stat() (vfs.FileInfo, error)          { return droppedInfo(f), nil }

type droppedInfo struct{ name string }

func (i droppedInfo) Name() string         { return i.name }
func (droppedInfo) Size() int64            { return 0 }
func (droppedInfo) Mode() os.FileMode      { return 0o600 }
func (droppedInfo) ModTime() time.Time     { return time.Time{} }
func (droppedInfo) IsDir() bool            { return false }
func (droppedInfo) Sys() any               { return nil }
func (droppedInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
