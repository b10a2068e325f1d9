package disk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// The file of NoteAlive, and the next one. It is no part of what is stored: nobody misses an event without it.
const (
	aliveFile    = "alive"
	aliveNewFile = "alive.new"
)

// aliveNote is what the file says. A checksum follows it.
type aliveNote struct {
	// At is in nanoseconds since 1970, 0 where the clock was not believed.
	At int64 `json:"alive_at"`
}

// NoteAlive implements buffer.AliveNoter. The file is synced, but not its name in the directory: a power cut may bring
// back the note before.
//
// It is written past what halts the buffer at a failed write: nothing that was answered depends on it.
func (b *Buffer) NoteAlive(at time.Time) error {
	var note aliveNote
	if !at.IsZero() {
		note.At = at.UnixNano()
	}
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	// Nothing is written where another process may have the directory, or once the path names another one.
	return b.use(func(*store.DB) error {
		b.fs.CheckPlace()
		if err := b.failure.Err(); err != nil {
			return err
		}
		err := replaceAlive(failstop.OwnerOnly{FS: b.opts.FS}, b.opts.Path, format.AppendChecksum(text))
		if err != nil {
			return fmt.Errorf("noting in buffer %s that events can be taken: %w", b.opts.Path, err)
		}
		return nil
	})
}

func replaceAlive(fsys vfs.FS, dir string, content []byte) error {
	next := fsys.PathJoin(dir, aliveNewFile)
	f, err := fsys.Create(next, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return fsys.Rename(next, fsys.PathJoin(dir, aliveFile))
}

// LastAlive returns when the buffer in a directory could last take events; see buffer.AliveReader. fsys nil: the
// operating system's file system.
func LastAlive(fsys vfs.FS, dir string) (time.Time, error) {
	if fsys == nil {
		fsys = vfs.Default
	}
	f, err := fsys.Open(fsys.PathJoin(dir, aliveFile))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when events could last be taken: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when events could last be taken: %w", err)
	}
	var note aliveNote
	text, err := format.VerifyChecksum(raw)
	if err != nil || json.Unmarshal(text, &note) != nil {
		return time.Time{}, fmt.Errorf("%w: the file %s, which says when events could last be taken", format.ErrDamaged,
			aliveFile)
	}
	if note.At == 0 {
		return time.Time{}, errClockNotBelieved
	}
	return time.Unix(0, note.At).UTC(), nil
}

var errClockNotBelieved = errors.New("the system's clock had jumped when events were last taken")
