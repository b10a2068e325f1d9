package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// allAside is an open buffer whose files were set aside, but for some bytes of one with n events of several vehicles.
func allAside(t *testing.T, mem *vfs.MemFS, n int) (*Buffer, string) {
	t.Helper()
	o := Options{Path: "buffer", FS: mem}
	b, err := Open(t.Context(), o)
	must(t, err)
	for i := range n {
		e := crashEvent(fmt.Sprint(i), 500)
		e.VehicleID = fmt.Sprint(i % 7)
		_, err := b.Append(t.Context(), e)
		must(t, err)
	}
	must(t, b.Close())
	spoilLog(t, mem, o)
	b, err = Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b, wholeAside(t, b)
}

// wholeAside is the name of the last folder with a whole buffer.
func wholeAside(t *testing.T, b *Buffer) string {
	t.Helper()
	for _, d := range slices.Backward(b.Stats().Damaged) {
		if d.What == buffer.DamagedAll {
			return d.Name
		}
	}
	t.Fatalf("no whole buffer is set aside: %+v", b.Stats().Damaged)
	return ""
}

// What can be read in damaged files comes back, in order for each vehicle, and nothing of it twice.
func TestRecoverDamaged(t *testing.T) {
	const n = 300
	b, name := allAside(t, vfs.NewMem(), n)
	before := b.Stats()
	counted, err := b.RecoverDamaged(t.Context(), name, true)
	must(t, err)
	if counted.Readable < n-10 || counted.Readable+counted.Missing != n || counted.Stored+counted.Known > 0 ||
		b.Stats().Last != before.Last {
		t.Errorf("a dry run: %+v, and the buffer is %+v", counted, b.Stats())
	}
	r, err := b.RecoverDamaged(t.Context(), name, false)
	must(t, err)
	if r.Readable != counted.Readable || r.Stored != r.Readable || r.Known != 0 {
		t.Errorf("recovered: %+v; counted before: %+v", r, counted)
	}
	last := map[string]int{}
	events := uint64(0)
	for e, err := range b.Events(t.Context(), buffer.Range{}) {
		must(t, err)
		var i int
		_, err = fmt.Sscan(e.ID, &i)
		must(t, err)
		if before, ok := last[e.VehicleID]; ok && i < before {
			t.Errorf("vehicle %s: event %d comes after %d", e.VehicleID, i, before)
		}
		last[e.VehicleID] = i
		events++
	}
	if events != r.Stored {
		t.Errorf("%d events are there, %d were stored", events, r.Stored)
	}
	again, err := b.RecoverDamaged(t.Context(), name, false)
	must(t, err)
	if again.Stored != 0 || again.Known != r.Stored {
		t.Errorf("once more: %+v", again)
	}
	for _, d := range b.Stats().Damaged {
		if d.Name == name && (d.RecoveredAt.IsZero() || d.Files == 0) {
			t.Errorf("after it: %+v, want when it was recovered, and the files", d)
		}
	}
}

func TestRecoverDamagedEnds(t *testing.T) {
	b, name := allAside(t, vfs.NewMem(), 50)
	if _, err := b.RecoverDamaged(t.Context(), "other", false); !errors.Is(err, buffer.ErrNotFound) {
		t.Errorf("another name: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.RecoverDamaged(ctx, name, false); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	must(t, b.Close())
	if _, err := b.RecoverDamaged(t.Context(), name, false); !errors.Is(err, buffer.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// From what is known of the events none can be had. Nobody may take that for recovered.
func TestStoreIsNotRecovered(t *testing.T) {
	mem := vfs.NewMem()
	o := closedBuffer(t, mem, 20)
	spoil(t, mem, o)
	b, err := Open(t.Context(), o)
	must(t, err)
	defer b.Close()
	aside := b.Stats().Damaged
	if len(aside) != 1 || aside[0].What != buffer.DamagedStore {
		t.Fatalf("set aside is %+v", aside)
	}
	r, err := b.RecoverDamaged(t.Context(), aside[0].Name, false)
	must(t, err)
	if after := b.Stats().Damaged; r != (buffer.Recovered{}) || !after[0].RecoveredAt.IsZero() {
		t.Errorf("recovered %+v, and then %+v; want nothing", r, after)
	}
}

// What the buffer knows but cannot read is repaired by what can be read in damaged files, and what it can read is not
// stored twice.
func TestRecoverStoresUnreadableEventsAnew(t *testing.T) {
	mem := vfs.NewMem()
	o := flawedLog(t, mem, "buffer", 1)
	b, err := Open(t.Context(), o)
	must(t, err)
	aside := b.Stats().Damaged
	must(t, b.Close())
	name := segmentNames(t, mem, o)[1]
	damageFile(t, mem, mem.PathJoin(o.Path, name), func(b []byte) []byte { clear(b[100:]); return b })
	b, err = Open(t.Context(), o)
	must(t, err)
	defer b.Close()
	bad := uint64(0)
	for p := uint64(1); p <= repairedEvents; p++ {
		if _, err := b.Event(t.Context(), p); err != nil {
			bad++
		}
	}
	r, err := b.RecoverDamaged(t.Context(), aside[0].Name, false)
	must(t, err)
	if bad == 0 || r.Stored != bad || r.Readable < bad {
		t.Errorf("%d events cannot be read, recovered %+v", bad, r)
	}
	again, err := b.RecoverDamaged(t.Context(), aside[0].Name, false)
	must(t, err)
	if again.Stored != 0 || again.Known != r.Readable {
		t.Errorf("once more: %+v, after %+v", again, r)
	}
}

// What may still be recovered is deleted only by force, and so is the store that has dead letters of it.
func TestRemoveDamaged(t *testing.T) {
	mem := vfs.NewMem()
	b, name := allAside(t, mem, 50)
	ctx := t.Context()
	var store string
	for _, d := range b.Stats().Damaged {
		if d.What == buffer.DamagedStore {
			store = d.Name
		}
	}
	for _, refused := range []string{name, store} {
		if err := b.RemoveDamaged(ctx, refused, false); !errors.Is(err, buffer.ErrNotRecovered) {
			t.Errorf("removing %s, not recovered: %v", refused, err)
		}
	}
	for _, other := range []string{"other", "", ".", "..", "../damaged/" + name} {
		if err := b.RemoveDamaged(ctx, other, true); !errors.Is(err, buffer.ErrNotFound) {
			t.Errorf("removing %q: %v", other, err)
		}
	}
	_, err := b.RecoverDamaged(ctx, name, false)
	must(t, err)
	before := len(b.Stats().Damaged)
	must(t, b.RemoveDamaged(ctx, name, false), b.RemoveDamaged(ctx, store, false))
	if after := b.Stats().Damaged; len(after) != before-2 {
		t.Errorf("after it there is %+v", after)
	}
	for _, gone := range []string{name, store} {
		if _, err := mem.Stat("buffer/damaged/" + gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
	for _, d := range b.Stats().Damaged {
		must(t, b.RemoveDamaged(ctx, d.Name, true))
	}
	last := b.Stats().Last
	must(t, b.Close())
	// New positions stay beyond the old ones.
	b, err = Open(ctx, Options{Path: "buffer", FS: mem})
	must(t, err)
	defer b.Close()
	r, err := b.Append(ctx, crashEvent("later", 10))
	if err != nil || r.Position <= last {
		t.Errorf("the next event: %+v, %v; want a position above %d", r, err, last)
	}
}

// One at a time changes what is set aside.
func TestRecoverOneAtATime(t *testing.T) {
	b, name := allAside(t, vfs.NewMem(), 5)
	b.recovering.Lock()
	_, err := b.RecoverDamaged(t.Context(), name, true)
	removed := b.RemoveDamaged(t.Context(), name, true)
	b.recovering.Unlock()
	if !errors.Is(err, buffer.ErrRecovering) || !errors.Is(removed, buffer.ErrRecovering) {
		t.Errorf("got %v and %v", err, removed)
	}
}
