package disk

import (
	"context"
	"errors"
	"fmt"
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
	for _, d := range b.Stats().Damaged {
		r, err := b.RecoverDamaged(t.Context(), d.Name, true)
		must(t, err)
		if r.Readable > 0 {
			return b, d.Name
		}
	}
	t.Fatalf("nothing can be read in %+v", b.Stats().Damaged)
	return nil, ""
}

// What can be read in damaged files comes back, in order for each vehicle, and nothing of it twice.
func TestRecoverDamaged(t *testing.T) {
	const n = 300
	b, name := allAside(t, vfs.NewMem(), n)
	before := b.Stats()
	counted, err := b.RecoverDamaged(t.Context(), name, true)
	must(t, err)
	if counted.Readable < n-10 || counted.Readable+counted.Unreadable > n || counted.Stored+counted.Known > 0 ||
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
	for p := uint64(1); p <= mendedEvents; p++ {
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
