package damaged

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Folder is the name of the folder in a store's directory that holds what was set aside.
const Folder = "damaged"

const (
	noteFile    = "note.json"
	noteNewFile = "note.json.new"
)

// Note says of some files what became of them.
type Note struct {
	// Name is that of their folder.
	Name string `json:"-"`
	// At is when they were set aside.
	At time.Time `json:"set_aside_at"`
	// Why is what was found, in one line. It has nothing of what is stored.
	Why string `json:"why"`
	// Version is that of the program that found it.
	Version string `json:"version"`
	// NextPosition lies beyond every position that an event in the files can have.
	NextPosition uint64 `json:"next_position"`
	// First is the first position of the events that were kept, and Given the one behind the last that is known to have
	// been given: what the files should hold, 0 where that is not known.
	First uint64 `json:"first_position,omitzero"`
	Given uint64 `json:"given_before,omitzero"`
	// Store is the folder of the store that knew of these events, where that was set aside before them; else "".
	Store string `json:"store,omitzero"`
	// Files are the names of the files.
	Files []string `json:"files"`
	// What the files are of a buffer.
	What buffer.DamagedPart `json:"what"`
	// Done: all of them are in the folder. Until then, none in the directory above is a new one of the same name.
	Done bool `json:"done"`
	// RecoveredAt is when what can be read in them was stored anew, zero before. Missing is how many events were not
	// among that.
	RecoveredAt time.Time `json:"recovered_at,omitzero"`
	Missing     uint64    `json:"missing,omitzero"`
}

// MarkRecovered notes that what can be read in a folder was stored anew, and how many events are missing in it.
func MarkRecovered(fsys vfs.FS, dir, name string, at time.Time, missing uint64) error {
	n, ok, err := readNote(fsys, dir, name)
	if err != nil {
		return err
	}
	if !ok {
		n = Note{Name: name, Done: true}
	}
	n.RecoveredAt, n.Missing = at, missing
	if err := n.write(fsys, dir); err != nil {
		return fmt.Errorf("noting that %s is recovered: %w", name, err)
	}
	return nil
}

// readNote returns false where there is no note.
func readNote(fsys vfs.FS, dir, name string) (n Note, ok bool, err error) {
	f, err := fsys.Open(fsys.PathJoin(dir, Folder, name, noteFile))
	if errors.Is(err, fs.ErrNotExist) {
		return n, false, nil
	}
	if err != nil {
		return n, false, fmt.Errorf("reading what is known of %s: %w", name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return n, false, fmt.Errorf("reading what is known of %s: %w", name, err)
	}
	// One that cannot be read says nothing; the files are there all the same. It was done: it is replaced as a whole.
	if json.Unmarshal(text, &n) != nil {
		n = Note{Done: true}
	}
	n.Name = name
	return n, true, nil
}

// write makes the note durable, the entry of its folder aside.
func (n *Note) write(fsys vfs.FS, dir string) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	folder := fsys.PathJoin(dir, Folder, n.Name)
	f, err := fsys.Create(fsys.PathJoin(folder, noteNewFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(fsys.PathJoin(folder, noteNewFile), fsys.PathJoin(folder, noteFile)); err != nil {
		return err
	}
	return syncDir(fsys, folder)
}

// syncDir makes the names in a folder durable.
func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
