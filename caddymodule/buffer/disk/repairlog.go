package disk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/damaged"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/eventlog"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/failstop"
)

// repairLog sets the files of the log aside that do not begin as they should, and puts others in their place. Those are
// written first: a full disk, or a process that is killed, leaves all that can be read within reach.
func (o Options) repairLog(damage *DamageError) (done bool, err error) {
	copies, err := o.segmentsAside()
	if err != nil {
		return false, err
	}
	flaws, err := eventlog.Flaws(o.FS, o.Path, copies, damage.known)
	if err != nil || len(flaws) == 0 {
		return false, err
	}
	owner := failstop.OwnerOnly{FS: o.FS}
	for _, f := range flaws {
		if err := f.Prepare(owner, o.Path); err != nil {
			return false, err
		}
	}
	if err := o.setFlawsAside(damage, flaws); err != nil {
		return false, err
	}
	for _, f := range flaws {
		if err := f.Place(owner, o.Path); err != nil {
			return false, err
		}
	}
	return true, nil
}

// setFlawsAside sets aside the segments that are in their place, and notes which are missing.
func (o Options) setFlawsAside(damage *DamageError, flaws []eventlog.Flaw) error {
	var names, missing, resumed []string
	beyond := uint64(0)
	for _, f := range flaws {
		if f.End && !o.controlCurrent {
			beyond = spare
		}
		switch {
		case f.Missing:
			missing = append(missing, f.Name)
		case f.Copy != "":
			resumed = append(resumed, f.Name)
		default:
			names = append(names, f.Name)
		}
	}
	if len(resumed) > 0 {
		o.Log.Warn("buffer: files of the log of events that were set aside before are repaired now", "path", o.Path,
			"files", resumed)
	}
	if len(names)+len(missing) == 0 {
		return nil
	}
	next, err := o.given(damage)
	if err != nil {
		return err
	}
	why := oneLine(damage.Cause)
	if len(missing) > 0 {
		why = fmt.Sprintf("%s (missing: %s)", why, strings.Join(missing, ", "))
	}
	note, err := o.setAside(damaged.Note{What: buffer.DamagedLog, Why: why, NextPosition: next + beyond, Files: names})
	if err != nil {
		return err
	}
	o.Log.Error("buffer: files of the log of events are damaged; they are set aside, and all else goes on: events that "+
		"cannot be read become dead letters", "path", o.Path, "folder", note.Name, "files", names, "missing", missing,
		"why", note.Why)
	return nil
}

// segmentsAside returns where the files of this log lie that were set aside, the newest of each name.
func (o Options) segmentsAside() (map[string]string, error) {
	sets, err := damaged.List(o.FS, o.Path)
	if err != nil {
		return nil, err
	}
	paths := map[string]string{}
	for _, s := range slices.Backward(sets) {
		if s.What == buffer.DamagedChanges {
			continue // there is no file
		}
		if s.What != buffer.DamagedLog && s.What != buffer.DamagedStore {
			break // the files before it are those of another log
		}
		for _, name := range s.Present {
			if _, newer := paths[name]; !newer && strings.HasSuffix(name, eventlog.Suffix) {
				paths[name] = o.FS.PathJoin(o.Path, damaged.Folder, s.Name, name)
			}
		}
	}
	return paths, nil
}
