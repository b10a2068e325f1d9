package failstop

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
)

// control knows how the store's files looked when they were last synced, and writes that to the control file.
//
// Pebble takes a damaged end of its manifest for one that a crash has torn, and a directory without a marker for a new
// one. It then goes on with less than there was, and removes the rest. A damaged end of the log of events looks torn as
// well. By the control file the buffer sees such damage, and sets aside what is damaged before Pebble removes anything.
//
// The control file is up to 30 seconds old, and for the manifest up to a second. After a crash, damage to what is
// younger looks like its end: damage to the last 32 KiB of the manifest, or to the last group of the log.
type control struct {
	mu sync.Mutex
	// stamps are those of manifests that were synced since the store was opened, and of segments that are not wholly
	// applied, by name.
	stamps map[string]stamp
	// old is the manifest that was there before, while it is in use.
	old stamp
	// written is the state in the file.
	written controlState
	// current: when the store was opened, the state in the file was the last one.
	current bool
	// lost: there is something stored, and no file that says how it should look.
	lost bool
}

// controlState is what the control file says. A checksum follows it.
type controlState struct {
	// Next is the position that the next event would have got.
	Next uint64 `json:"next_position"`
	// Closed: the store was closed after this was written, so all of its files are as they are here.
	Closed   bool    `json:"closed"`
	Manifest stamp   `json:"manifest"`
	Logs     []stamp `json:"logs"`
}

// stamp is the synced beginning of a file that only grows.
type stamp struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Sum  uint32 `json:"crc32c"`
}

const (
	controlFile    = "control"
	controlNewFile = "control.new"
)

func newControl() *control { return &control{stamps: map[string]stamp{}} }

// grows reports whether the control file covers a file.
func grows(name string) bool {
	return strings.HasPrefix(name, manifestPrefix) || strings.HasSuffix(name, eventlog.Suffix)
}

func (c *control) synced(s stamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamps[s.Name] = s
}

func (c *control) removed(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.stamps, name)
}

// state is what the file should say now.
func (c *control) state(next uint64, closed bool) controlState {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := controlState{Next: next, Closed: closed, Manifest: c.old}
	for name, s := range c.stamps {
		switch {
		case !strings.HasPrefix(name, manifestPrefix):
			t.Logs = append(t.Logs, s)
		// The newest is in use; names have six digits, and more where it takes more.
		case len(name) > len(t.Manifest.Name) || len(name) == len(t.Manifest.Name) && name > t.Manifest.Name:
			t.Manifest = s
		}
	}
	slices.SortFunc(t.Logs, func(a, b stamp) int { return strings.Compare(a.Name, b.Name) })
	return t
}

// outdated reports whether the manifest has grown since the file was written. No segment may have any more what the
// manifest then says of tables.
func (c *control) outdated() bool { return c.state(0, false).Manifest != c.written.Manifest }

// write makes the state durable where it says something new.
func (c *control) write(fsys vfs.FS, dir string, t controlState) error {
	if t.Next == c.written.Next && t.Closed == c.written.Closed && t.Manifest == c.written.Manifest &&
		slices.Equal(t.Logs, c.written.Logs) {
		return nil
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := replaceFile(fsys, dir, controlFile, controlNewFile, format.AppendChecksum(text)); err != nil {
		return err
	}
	c.written = t
	return nil
}

// replaceFile writes a small file under another name first, so that a crash leaves the old one or the new one.
func replaceFile(fsys vfs.FS, dir, name, newName string, content []byte) error {
	if err := writeSynced(fsys, fsys.PathJoin(dir, newName), content); err != nil {
		return err
	}
	if err := fsys.Rename(fsys.PathJoin(dir, newName), fsys.PathJoin(dir, name)); err != nil {
		return err
	}
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeSynced(fsys vfs.FS, path string, b []byte) error {
	f, err := fsys.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// check compares the files of a store that nobody has open with the control file. It changes nothing. rebuild: the log
// may be there alone. logDamaged: the segments are not looked at.
func (c *control) check(fsys vfs.FS, dir string, rebuild, logDamaged bool) error {
	names, err := fsys.List(dir)
	if err != nil {
		return err
	}
	manifest := markedManifest(names)
	if manifest == "" {
		missed := func(name string) bool {
			return isContents(name) && (!rebuild || !strings.HasSuffix(name, eventlog.Suffix))
		}
		if i := slices.IndexFunc(names, missed); i >= 0 {
			return fmt.Errorf("%w: the file marker.manifest... is missing, which names the manifest of what is stored "+
				"in %s and others", format.ErrDamaged, names[i])
		}
		return nil
	}
	t, err := readControl(fsys, dir)
	if err != nil {
		return err
	}
	c.lost = t.Next == 0 && slices.ContainsFunc(names, isContents)
	if c.old, err = stampOf(fsys, dir, manifest, -1); err != nil {
		return err
	}
	c.current = t.Closed && c.old == t.Manifest
	c.written = t
	stamps := []stamp{t.Manifest}
	if !logDamaged {
		stamps = append(stamps, t.Logs...)
	}
	for _, s := range stamps {
		if !slices.Contains(names, s.Name) || grows(s.Name) && s.Name != manifest &&
			strings.HasPrefix(s.Name, manifestPrefix) {
			continue
		}
		got, err := stampOf(fsys, dir, s.Name, s.Size)
		if err != nil {
			return err
		}
		if got != s {
			return fmt.Errorf("%w: the first %d bytes of %s are not what was written", format.ErrDamaged, s.Size,
				s.Name)
		}
	}
	if c.current && !logDamaged {
		// Nothing has happened since.
		for _, s := range t.Logs {
			if !slices.Contains(names, s.Name) {
				return fmt.Errorf("%w: %s is missing", format.ErrDamaged, s.Name)
			}
		}
	}
	return nil
}

// syncedOf returns how many bytes of a segment were synced when the file was written, 0 where it does not say.
func (c *control) syncedOf(name string) int64 {
	for _, s := range c.written.Logs {
		if s.Name == name {
			return s.Size
		}
	}
	return 0
}

// checkPosition returns an error when less is stored than there was.
func (c *control) checkPosition(next uint64) error {
	if next >= c.written.Next {
		return nil
	}
	return fmt.Errorf("%w: events were stored up to position %d, but only those up to %d are there", format.ErrDamaged,
		c.written.Next-1, next-1)
}

func isContents(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, eventlog.Suffix) || name == controlFile
}

// IsControl reports whether a name is that of the control file, or of the next one.
func IsControl(name string) bool { return name == controlFile || name == controlNewFile }

// IsOurs reports whether a name is that of a file which no other program writes.
func IsOurs(name string) bool { return name == controlFile || strings.HasSuffix(name, eventlog.Suffix) }

// markedManifest returns the manifest that the newest marker names, "" without one.
func markedManifest(names []string) (manifest string) {
	newest := ""
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, "marker.manifest.")
		number, value, found := strings.Cut(rest, ".")
		if ok && found && (len(number) > len(newest) || len(number) == len(newest) && number > newest) {
			newest, manifest = number, value
		}
	}
	return manifest
}

// LastControl returns what the control file of a directory says: the position of the next event, 0 where it says none,
// and whether the store was closed behind it.
func LastControl(fsys vfs.FS, dir string) (next uint64, closed bool, err error) {
	t, err := readControl(fsys, dir)
	return t.Next, t.Closed, err
}

// readControl returns an empty state where there is no file. A damaged file says nothing either: it holds no data.
func readControl(fsys vfs.FS, dir string) (t controlState, err error) {
	f, err := fsys.Open(fsys.PathJoin(dir, controlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		return t, err
	}
	text, err := format.VerifyChecksum(raw)
	if err != nil || json.Unmarshal(text, &t) != nil {
		return controlState{}, nil
	}
	return t, nil
}

// stampOf reads the first bytes of a file, or all with -1.
func stampOf(fsys vfs.FS, dir, name string, size int64) (stamp, error) {
	f, err := fsys.Open(fsys.PathJoin(dir, name), vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, fmt.Errorf("%w: %s is missing", format.ErrDamaged, name)
	}
	if err != nil {
		return stamp{}, err
	}
	defer f.Close()
	s := stamp{Name: name}
	var from io.Reader = f
	if size >= 0 {
		from = io.LimitReader(f, size)
	}
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		s.Size += int64(n)
		s.Sum = format.ExtendChecksum(s.Sum, b[:n])
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return stamp{}, err
		}
	}
}

const manifestPrefix = "MANIFEST-"
