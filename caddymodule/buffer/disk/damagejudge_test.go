package disk

import (
	"errors"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// judge opens the buffer and says what became of it.
func (r *rot) judge() string {
	b, err := Open(r.t.Context(), r.o)
	if err != nil {
		r.t.Errorf("%s: the buffer does not open: %v", r.what, err)
		return "refused"
	}
	defer b.Close()
	r.checkNext(b)
	lost, damaged := r.compare(b)
	aside := len(b.Stats().Damaged) > 0
	isLog := strings.HasSuffix(r.file, ".events")
	switch {
	case lost > 0 && (!aside || !isLog):
		r.t.Errorf("%s: %d of %d events are lost in silence", r.what, lost, len(r.told.appended))
		return "lost in silence"
	case lost > 0:
		r.drain(b)
		r.checkAside(b)
		return rotAside
	}
	r.checkDelivered(b, r.drain(b))
	if aside {
		r.checkAside(b)
	}
	if damaged > 0 {
		return rotSome
	}
	return rotNone
}

// checkDelivered wants every event that nobody has settled, and that can be read, among those that were had.
func (r *rot) checkDelivered(b *Buffer, had map[uint64]bool) {
	for id, position := range r.told.appended {
		if _, err := b.Event(r.t.Context(), position); err != nil || r.told.settled[position] {
			continue
		}
		if !had[position] {
			r.t.Errorf("%s: event %s at %d was not settled, and is not delivered", r.what, id, position)
		}
	}
}

// checkNext appends an event: it must get a position that none had before.
func (r *rot) checkNext(b *Buffer) {
	receipt, err := b.Append(r.t.Context(), crashEvent("next", 10))
	if err != nil || receipt.Duplicate {
		r.t.Errorf("%s: the next event: %+v, %v", r.what, receipt, err)
	}
	for id, position := range r.told.appended {
		if receipt.Position <= position {
			r.t.Errorf("%s: the next event got position %d, event %s had %d before", r.what, receipt.Position, id, position)
			return
		}
	}
}

// checkAside closes the buffer. It must open again as it is, and what was set aside must be complete: put back, and with
// the damage repaired, it is a buffer that has all.
func (r *rot) checkAside(b *Buffer) {
	aside := b.Stats().Damaged
	for _, d := range aside {
		if d.Why == "" || d.At.IsZero() {
			r.t.Errorf("%s: set aside is %+v", r.what, aside)
		}
	}
	last := b.Stats().Last
	if err := b.Close(); err != nil {
		r.t.Errorf("%s: %v", r.what, err)
	}
	again, err := Open(r.t.Context(), r.o)
	if err != nil {
		r.t.Errorf("%s: the second time: %v", r.what, err)
		return
	}
	if s := again.Stats(); len(s.Damaged) != len(aside) || s.Last != last {
		r.t.Errorf("%s: opened again: %+v; want the last position %d, and nothing more set aside", r.what, s, last)
	}
	r.checkNextAgain(again, last)
	if err := again.Close(); err != nil {
		r.t.Errorf("%s: %v", r.what, err)
	}
	r.checkRestored(aside)
}

// checkRestored puts everything back, the files that were set aside first last.
func (r *rot) checkRestored(aside []buffer.Damaged) {
	const restored = "restored"
	all := false
	for _, d := range slices.Backward(aside) {
		if err := copyFiles(r.disk, d.Folder, restored); err != nil {
			r.t.Fatal(err)
		}
		names, err := r.disk.List(restored)
		if err != nil {
			r.t.Fatal(err)
		}
		isLog := func(name string) bool { return strings.HasSuffix(name, ".events") }
		isManifest := func(name string) bool { return strings.HasPrefix(name, "MANIFEST") }
		all = slices.ContainsFunc(names, isLog) && slices.ContainsFunc(names, isManifest)
	}
	if !all {
		return // the rest is in use
	}
	r.file = r.disk.PathJoin(restored, r.disk.PathBase(r.file))
	r.write(r.intact)
	o := r.o
	o.Path = restored
	for _, w := range verify(r.t.Context(), o, r.disk, r.told) {
		r.t.Errorf("%s: set aside, and repaired: %s", r.what, w)
	}
}

func (r *rot) checkNextAgain(b *Buffer, last uint64) {
	receipt, err := b.Append(r.t.Context(), crashEvent("next again", 10))
	if err != nil || receipt.Position <= last {
		r.t.Errorf("%s: opened again, the next event: %+v, %v; want a position above %d", r.what, receipt, err, last)
	}
}

func copyFiles(fs vfs.FS, from, to string) error {
	names, err := fs.List(from)
	err = errors.Join(err, fs.MkdirAll(to, 0o700))
	for _, name := range names {
		err = errors.Join(err, vfs.Copy(fs, fs.PathJoin(from, name), fs.PathJoin(to, name)))
	}
	return err
}

// compare looks for every event that was acknowledged.
func (r *rot) compare(b *Buffer) (lost, damaged int) {
	for id, position := range r.told.appended {
		e, err := b.Event(r.t.Context(), position)
		switch {
		case errors.Is(err, buffer.ErrNotFound):
			lost++
		case isDamage(err) || pebble.IsCorruptionError(err):
			damaged++
		case err != nil:
			r.t.Errorf("%s: event %d: %v", r.what, position, err)
		default:
			if want := crashEvent(id, len(e.Body)); e.ID != id || string(e.Body) != string(want.Body) {
				r.t.Errorf("%s: event %d is altered", r.what, position)
			}
		}
	}
	return lost, damaged
}

// drain has the consumer take what is left, and returns what it had: it must come to the end, an event that is stored
// now.
func (r *rot) drain(b *Buffer) (had map[uint64]bool) {
	had = map[uint64]bool{}
	if _, err := b.Append(r.t.Context(), crashEvent("end", 10)); err != nil {
		r.t.Errorf("%s: appending: %v", r.what, err)
		return had
	}
	c, err := b.Consumer(r.t.Context(), "h")
	if err != nil {
		r.t.Errorf("%s: %v", r.what, err)
		return had
	}
	defer c.Close()
	note := func(leases []buffer.Lease, err error) bool {
		if err != nil {
			r.t.Errorf("%s: leasing: %v", r.what, err)
		}
		for _, l := range leases {
			had[l.Event.Position] = true
			if want := crashEvent(l.Event.ID, len(l.Event.Body)); string(l.Event.Body) != string(want.Body) {
				r.t.Errorf("%s: event %d is handed out altered", r.what, l.Event.Position)
			}
		}
		return err == nil
	}
	for c.Stats().Pending > 0 {
		if !note(c.Lease(r.t.Context(), buffer.Room{Events: 50})) {
			return had
		}
	}
	for lane := range c.Lanes(r.t.Context()) {
		note(c.LeaseDeferred(r.t.Context(), lane.Name, buffer.Room{Events: 1 << 20}))
	}
	return had
}
