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
	if _, is := errors.AsType[*DamageError](err); !is {
		return b, err
	}
	if err := o.checkOften(); err != nil {
		return nil, fmt.Errorf("opening buffer %s: %w (%s)", o.Path, err, oneLine(err))
	}
	next, closed, failed := failstop.LastControl(o.FS, o.Path)
	if failed != nil {
		return nil, fmt.Errorf("opening buffer %s: %w (%s)", o.Path, failed, oneLine(err))
	}
	o.controlLost = next == 0
	// Another process may have had it since.
	o.controlCurrent = o.controlCurrent && closed
	judged := func(*DamageError) (bool, error) {
		o.passLost = true
		return true, nil
	}
	storeAside := func(damage *DamageError) (bool, error) {
		o.passLost = false
		return o.setStoreAside(damage)
	}
	// Each step keeps less than the one before it. With the log judged by what is in it, more may be known of it.
	for _, step := range []func(*DamageError) (done bool, err error){o.repairLog, judged, o.repairLog, storeAside,
		o.setAllAside} {
		damage, is := errors.AsType[*DamageError](err)
		if !is {
			return b, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		done, failed := step(damage)
		if failed != nil {
			return nil, fmt.Errorf("opening buffer %s: %w (%s)", o.Path, failed, oneLine(damage.Cause))
		}
		if !done {
			continue
		}
		if b, err = o.open(lock); err == nil && o.passLost {
			o.Log.Error("buffer: the log of events is damaged; all else goes on: events that cannot be read become dead "+
				"letters", "path", o.Path, "why", oneLine(damage.Cause))
		}
	}
	return b, err
}

// setStoreAside sets aside all but the log, from which the store is built anew.
func (o Options) setStoreAside(damage *DamageError) (done bool, err error) {
	names, err := o.files()
	if err != nil {
		return false, err
	}
	isLog := func(name string) bool { return strings.HasSuffix(name, eventlog.Suffix) }
	if !slices.ContainsFunc(names, isLog) {
		return false, nil
	}
	// The log must reach as far as is known, or the store that comes of it is not opened.
	next, err := o.given(damage)
	if err != nil {
		return false, err
	}
	note, err := o.setAside(damaged.Note{What: buffer.DamagedStore, Why: oneLine(damage.Cause), NextPosition: next,
		Files: slices.DeleteFunc(names, isLog)})
	if err != nil {
		return false, err
	}
	o.Log.Error("buffer: the store of what is known of the events is damaged; it is set aside and built anew from the "+
		"log of events: handlers may get events again, dead letters and ids older than the log are missing",
		"path", o.Path, "folder", note.Name, "files", len(note.Files), "why", note.Why)
	return true, nil
}

// setAllAside sets all files of the buffer aside.
func (o Options) setAllAside(damage *DamageError) (done bool, err error) {
	names, err := o.files()
	if err != nil {
		return false, err
	}
	next, err := o.beyondAll(damage)
	if err != nil {
		return false, err
	}
	note := damaged.Note{What: buffer.DamagedAll, Why: oneLine(damage.Cause), NextPosition: next, Files: names}
	if err := o.noteExpected(&note, damage); err != nil {
		return false, err
	}
	note, err = o.setAside(note)
	if err != nil {
		return false, err
	}
	o.Log.Error("buffer: its files are damaged; they are set aside, and receiving goes on with fresh ones: "+
		"what they hold is not delivered, see caddy smartcar status",
		"path", o.Path, "folder", note.Name, "files", len(note.Files), "why", note.Why, "next position", next)
	return true, nil
}

// files returns the names of the buffer's files, its lock aside.
func (o Options) files() ([]string, error) {
	names, err := o.FS.List(o.Path)
	if err != nil {
		return nil, err
	}
	if err := checkOurs(names); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool { return !isBuffers(name) }), nil
}

func (o Options) setAside(n damaged.Note) (damaged.Note, error) {
	n.At, n.Version = o.wall(), buildinfo.Read().Version
	n, err := damaged.SetAside(failstop.OwnerOnly{FS: o.FS}, o.Path, n)
	if err != nil {
		return n, fmt.Errorf("its files are damaged, and cannot be set aside: %w", err)
	}
	return n, nil
}

// Files are set aside so many times in such a time at most. One start may do so up to four times.
const (
	oftenTimes = 10
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
	return fmt.Errorf("its files are damaged once more, after files were set aside %d times in the last hour: see to "+
		"the disk, or give the buffer a path on another one", n)
}

// beyondAll returns a position beyond every one that was ever given, by all that is left.
func (o Options) beyondAll(damage *DamageError) (uint64, error) {
	log, err := eventlog.Beyond(o.FS, o.Path)
	if err != nil {
		return 0, err
	}
	given, err := o.given(damage)
	if err != nil {
		return 0, err
	}
	before, err := damaged.Finish(o.FS, o.Path)
	if err != nil {
		return 0, err
	}
	return max(log, given, before.NextPosition) + spare, nil
}

// given returns the position behind those that were given, by what is known beside the log.
func (o Options) given(damage *DamageError) (uint64, error) {
	control, _, err := failstop.LastControl(o.FS, o.Path)
	return max(control, damage.known.Next), err
}

// noteExpected notes what a whole buffer that is set aside should hold. Files of it that were set aside before knew some
// of that.
func (o Options) noteExpected(n *damaged.Note, damage *DamageError) (err error) {
	n.First = damage.known.First
	if n.Given, err = o.given(damage); err != nil {
		return err
	}
	sets, err := damaged.List(o.FS, o.Path)
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(sets) {
		if s.What == buffer.DamagedAll {
			n.First = max(n.First, s.NextPosition)
			break
		}
		n.Given = max(n.Given, s.NextPosition)
		if n.Store == "" && s.What == buffer.DamagedStore {
			n.Store = s.Name
		}
	}
	return nil
}

// finishSetAside finishes what another process was killed over, and learns where the positions of a fresh store begin.
func (b *Buffer) finishSetAside(fsys vfs.FS) (rebuild bool, err error) {
	fsys = failstop.OwnerOnly{FS: fsys}
	before, err := damaged.Finish(fsys, b.opts.Path)
	b.beginAt = before.NextPosition
	return before.Rebuild, errors.Join(err, eventlog.RemoveUnplaced(fsys, b.opts.Path))
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
	for i := range sets {
		all = append(all, b.describeAside(&sets[i]))
	}
	b.setAside.Store(&all)
}

func (b *Buffer) describeAside(s *damaged.Set) buffer.Damaged {
	return buffer.Damaged{
		What: s.What, Name: s.Name, Folder: b.opts.FS.PathJoin(b.opts.Path, damaged.Folder, s.Name),
		At: s.At, Why: s.Why, RecoveredAt: s.RecoveredAt, Missing: s.Missing, Files: len(s.Present), Bytes: s.Bytes,
	}
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
