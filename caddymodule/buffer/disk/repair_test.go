package disk

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// With damage to files of the log, all that other files hold goes on, and so does what can be read of these.
func TestRepairedLog(t *testing.T) {
	const n = 120
	for _, tt := range []struct {
		name string
		// which of the files, from the first or from behind, and what becomes of its bytes; nil: the file goes
		which  int
		damage func(b []byte) []byte
		// least and most events that cannot be read
		least, most int
	}{
		{"a flipped bit in the header of the first file", 0, func(b []byte) []byte { b[20] ^= 4; return b }, 0, 0},
		{"a flipped bit in the header of one in the middle", 1, func(b []byte) []byte { b[9] ^= 1; return b }, 0, 0},
		{"a flipped bit in the header of the last file", -1, func(b []byte) []byte { b[0] ^= 1; return b }, 0, 0},
		{"the first sector of the first file is empty", 0, func(b []byte) []byte { clear(b[:512]); return b }, 1, 1},
		{"the first sector of one in the middle is empty", 1, func(b []byte) []byte { clear(b[:512]); return b }, 1, 1},
		{"all of a file is empty", 1, func(b []byte) []byte { clear(b); return b }, 10, 60},
		{"nothing of a file is left", 1, func([]byte) []byte { return nil }, 10, 60},
		{"the end of a file is cut off", 1, func(b []byte) []byte { return b[:len(b)/2] }, 5, 50},
		{"the end of the last file is cut off", -1, func(b []byte) []byte { return b[:len(b)/2] }, 1, 50},
		{"a file is gone", 1, nil, 10, 60},
		{"the first file is gone", 0, nil, 10, 60},
		{"the last file is gone", -1, nil, 1, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mem := vfs.NewMem()
			o := closedSegments(t, mem, n)
			names := segmentNames(t, mem, o)
			if len(names) < 3 {
				t.Fatalf("there are only %v", names)
			}
			name := mem.PathJoin(o.Path, names[(tt.which+len(names))%len(names)])
			damageFile(t, mem, name, tt.damage)
			b, err := Open(t.Context(), o)
			must(t, err)
			defer b.Close()
			bad := 0
			for p := uint64(1); p <= n; p++ {
				if e, err := b.Event(t.Context(), p); err != nil {
					bad++
				} else if e.ID != fmt.Sprint(p-1) {
					t.Errorf("event %d has id %s", p, e.ID)
				}
			}
			if bad < tt.least || bad > tt.most {
				t.Errorf("%d events cannot be read, want %d to %d", bad, tt.least, tt.most)
			}
			r, err := b.Append(t.Context(), crashEvent("later", 10))
			if err != nil || r.Position != n+1 {
				t.Errorf("the next event: %+v, %v; want position %d", r, err, n+1)
			}
			checkRepairedDelivery(t, b, n-bad+1, bad)
			for _, d := range b.Stats().Damaged {
				if d.Files > 1 {
					t.Errorf("%+v is set aside, want no more than the damaged file", d)
				}
			}
		})
	}
}

// checkRepairedDelivery wants so many events at the consumer, and the rest among the dead letters.
func checkRepairedDelivery(t *testing.T, b *Buffer, good, bad int) {
	t.Helper()
	c, err := b.Consumer(t.Context(), "h")
	must(t, err)
	defer c.Close()
	had := 0
	for c.Stats().Pending > 0 {
		leases, err := c.Lease(t.Context(), buffer.Room{Events: 50})
		must(t, err)
		had += len(leases)
	}
	if had != good {
		t.Errorf("%d events are delivered, want %d", had, good)
	}
	await(t, time.Minute, "what cannot be read is among the dead letters", func() bool {
		return b.Stats().DeadLetters == uint64(bad)
	})
}

// closedSegments is a closed buffer with several files of events, none of which its consumer has had.
func closedSegments(t *testing.T, fs vfs.FS, n int) Options {
	t.Helper()
	return closedSegmentsIn(t, fs, "buffer", n)
}

func closedSegmentsIn(t *testing.T, fs vfs.FS, dir string, n int) Options {
	t.Helper()
	o := Options{Path: dir, FS: fs, memTable: 32 << 10}
	b, err := Open(t.Context(), o)
	must(t, err)
	c, err := b.Consumer(t.Context(), "h")
	must(t, err, c.Close())
	for i := range n {
		_, err := b.Append(t.Context(), crashEvent(fmt.Sprint(i), 2000))
		must(t, err)
	}
	must(t, b.Close())
	return o
}

func segmentNames(t *testing.T, fs vfs.FS, o Options) []string {
	t.Helper()
	names, err := fs.List(o.Path)
	must(t, err)
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".events") })
	slices.Sort(names)
	return names
}

func damageFile(t *testing.T, fs vfs.FS, name string, damage func([]byte) []byte) {
	t.Helper()
	if damage == nil {
		must(t, fs.Remove(name))
		return
	}
	f, err := fs.Open(name)
	must(t, err)
	var b bytes.Buffer
	_, err = b.ReadFrom(f)
	must(t, err, f.Close())
	f, err = fs.Create(name, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.Write(damage(b.Bytes()))
	must(t, err, f.Close())
}
