package disk

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// What was given after the control file was written is not given again where the end of the log is lost.
func TestNoPositionIsGivenTwiceBehindALostEnd(t *testing.T) {
	half := func(b []byte, synced int) []byte { return b[:synced/2] }
	for _, tt := range []struct {
		name  string
		spoil func(b []byte, synced int) []byte
		// applied: the store has on the disk what was there when the control file was written.
		applied bool
		what    []buffer.DamagedPart
	}{
		{"cut off", half, false, []buffer.DamagedPart{buffer.DamagedChanges}},
		{"empty", func(b []byte, synced int) []byte {
			return append(half(b, synced), make([]byte, len(b)-synced/2)...)
		}, false, []buffer.DamagedPart{buffer.DamagedChanges}},
		{"cut off, and applied", half, true, []buffer.DamagedPart{buffer.DamagedLog, buffer.DamagedChanges}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			r := &rot{t: t, told: newLedger(), o: Options{Path: "buffer", FS: mem}}
			b, err := Open(t.Context(), r.o)
			must(t, err)
			appendTo(t, b, 1, 20)
			if tt.applied {
				b.flushAll()
			}
			b.writeControl(false)
			r.file, r.disk = mem.PathJoin(r.o.Path, segmentNames(t, mem, r.o)[0]), mem
			synced := len(bytes.TrimRight(r.read(), "\x00"))
			appendTo(t, b, 21, 60)
			r.crash(mem)
			must(t, b.Close())
			r.write(tt.spoil(r.read(), synced))
			checkLostEnd(t, r, tt.what)
		})
	}
}

// checkLostEnd opens a buffer that had 60 events, of which the control file knows 20, and the log has half of these.
func checkLostEnd(t *testing.T, r *rot, want []buffer.DamagedPart) {
	t.Helper()
	j := &journal{}
	r.o.Log = j.log()
	b, err := Open(t.Context(), r.o)
	must(t, err)
	defer b.Close()
	receipt, err := b.Append(t.Context(), crashEvent("next", 10))
	if err != nil || receipt.Position <= 60 {
		t.Errorf("the next event: %+v, %v; positions up to 60 were given", receipt, err)
	}
	if lines := j.with("level=ERROR", "the end of the log of events is lost"); len(lines) != 1 {
		t.Errorf("the log says\n%s\nwant a line that the end is lost", j.all())
	}
	for p := uint64(15); p <= 20; p++ {
		if _, err := b.Event(t.Context(), p); !isDamage(err) || errors.Is(err, buffer.ErrNotFound) {
			t.Errorf("event %d: %v, want damage", p, err)
		}
	}
	var what []buffer.DamagedPart
	for _, d := range b.Stats().Damaged {
		what = append(what, d.What)
	}
	if !slices.Equal(what, want) {
		t.Errorf("damaged is %q, want %q", what, want)
	}
}
