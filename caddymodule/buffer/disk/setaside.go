package disk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/damaged"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/buildinfo"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// spare is how many positions are passed over beyond the last that is known to be given, when files are set aside. What
// is known may be 30 seconds old, or the file that knew it is missing: no disk syncs that many events in that time.
const spare = 1 << 20

// openDamaged opens a directory that seems damaged. It looks again with the lock in hand, sets aside what is damaged,
// and goes on with fresh files.
func (o Options) openDamaged(ctx context.Context) (*Buffer, error) {
	lock, err := pebble.LockDirectory(o.Path, failstop.LockOnly{FS: o.FS, Path: o.Path})
	if errors.Is(err, failstop.ErrLocked) {
		return nil, lockedError(o.Path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening buffer %s: %w", o.Path, err)
	}
	b, err := o.openSettingAside(ctx, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return b, nil
}

func (o Options) openSettingAside(ctx context.Context, lock *pebble.Lock) (*Buffer, error) {
	// What was read may have been wrong on its way from the disk only, or somebody else has opened the directory since.
	b, err := o.open(lock)
	damage, is := errors.AsType[*DamageError](err)
	if !is {
		return b, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := o.setAsideAll(damage); err != nil {
		return nil, err
	}
	return o.open(lock)
}

// setAsideAll sets all files of the buffer aside. The caller holds the lock.
func (o Options) setAsideAll(damage *DamageError) error {
	names, err := o.FS.List(o.Path)
	if err != nil {
		return fmt.Errorf("opening buffer %s: %w", o.Path, err)
	}
	if err := checkOurs(names); err != nil {
		return fmt.Errorf("opening buffer %s: %w (%s)", o.Path, err, oneLine(damage.Cause))
	}
	if err := o.checkOften(); err != nil {
		return fmt.Errorf("opening buffer %s: %w (%s)", o.Path, err, oneLine(damage.Cause))
	}
	next, err := o.beyondAll(damage)
	if err != nil {
		return fmt.Errorf("opening buffer %s: finding out which positions were given: %w", o.Path, err)
	}
	note, err := damaged.SetAside(o.FS, o.Path, damaged.Note{
		At: o.wall(), Why: oneLine(damage.Cause), Version: buildinfo.Read().Version, NextPosition: next,
		Files: slices.DeleteFunc(names, func(name string) bool { return !isBuffers(name) }),
	})
	if err != nil {
		return fmt.Errorf("opening buffer %s: its files are damaged (%s), and cannot be set aside: %w", o.Path,
			oneLine(damage.Cause), err)
	}
	o.Log.Error("buffer: its files are damaged; they are set aside, and receiving goes on with fresh ones: "+
		"what they hold is not delivered until it is recovered, see caddy smartcar status",
		"path", o.Path, "folder", o.FS.PathJoin(damaged.Folder, note.Name), "files", len(note.Files), "why", note.Why,
		"next position", next)
	return nil
}

// Files are set aside so many times in such a time at most.
const (
	oftenTimes = 5
	oftenIn    = time.Hour
)

// checkOften returns an error where files were set aside so often that the disk cannot be trusted with fresh ones.
func (o Options) checkOften() error {
	sets, err := damaged.List(o.FS, o.Path)
	if err != nil {
		return err
	}
	n, now := 0, o.wall()
	for _, s := range sets {
		if s.At.After(now.Add(-oftenIn)) && !s.At.After(now) {
			n++
		}
	}
	if n < oftenTimes {
		return nil
	}
	return fmt.Errorf("its files are damaged once more, after files were set aside %d times in the last hour: see to the "+
		"disk, or give the buffer a path on another one", n)
}

// beyondAll returns a position beyond every one that was ever given, by all that is left.
func (o Options) beyondAll(damage *DamageError) (uint64, error) {
	log, err := eventlog.Beyond(o.FS, o.Path)
	if err != nil {
		return 0, err
	}
	control, err := failstop.NextOf(o.FS, o.Path)
	if err != nil {
		return 0, err
	}
	before, err := damaged.Finish(o.FS, o.Path)
	if err != nil {
		return 0, err
	}
	return max(log, control, before, damage.next) + spare, nil
}

// finishSetAside finishes what another process was killed over, and learns where the positions of a fresh store begin.
func (b *Buffer) finishSetAside(fsys vfs.FS) (err error) {
	b.beginAt, err = damaged.Finish(fsys, b.opts.Path)
	return err
}

// lookSetAside notes for Stats what lies there. A person may have removed it.
func (b *Buffer) lookSetAside() {
	sets, err := damaged.List(b.opts.FS, b.opts.Path)
	if err != nil {
		b.log.Warn("buffer: cannot look at the damaged files that were set aside", "path", b.opts.Path, "error",
			text.FirstLine(err.Error()))
		return
	}
	all := make([]buffer.Damaged, 0, len(sets))
	for _, s := range sets {
		all = append(all, buffer.Damaged{
			Name: s.Name, Folder: b.opts.FS.PathJoin(b.opts.Path, damaged.Folder, s.Name),
			At: s.At, Why: s.Why, Files: len(s.Present), Bytes: s.Bytes,
		})
	}
	b.setAside.Store(&all)
}

// checkOurs returns an error where the files may be another program's, or a later version's.
func checkOurs(names []string) error {
	if !slices.ContainsFunc(names, failstop.IsOurs) {
		return errors.New("its files are those of another program, or damaged: give the buffer a path of its own, or " +
			"empty this one if nothing in it is needed")
	}
	for _, name := range names {
		// marker.format-version.<how often it was written>.<version>
		rest, ok := strings.CutPrefix(name, "marker.format-version.")
		_, version, found := strings.Cut(rest, ".")
		if v, err := strconv.ParseUint(version, 10, 64); ok && found && err == nil && v > uint64(pebble.FormatNewest) {
			return fmt.Errorf("%w: its store has format %d, this version knows those up to %d", errOtherFormat, v,
				pebble.FormatNewest)
		}
	}
	return nil
}

// isBuffers reports whether a name is one that the buffer gives a file, its lock aside.
func isBuffers(name string) bool {
	for _, prefix := range []string{"MANIFEST-", "OPTIONS-", "marker.", "temporary."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for _, suffix := range []string{eventlog.Suffix, ".sst", ".blob", ".log", ".dbtmp"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return failstop.IsControl(name)
}
