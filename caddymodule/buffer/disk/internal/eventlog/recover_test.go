package eventlog

import (
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The last group may be cut off anywhere, or be bad anywhere: then it is as if it had never been.
func TestTornEnd(t *testing.T) {
	l, fs := newLog(t, 8<<10)
	l.small = preallocAfter // as after many more groups
	l.add(3)
	l.add(4)
	before := l.end()
	l.add(4)
	intact, end := content(t, fs, "000001.events", nil), l.end()
	spoil := map[string]func(at int) []byte{
		"cut off": func(at int) []byte { return intact[:at] },
		"bad": func(at int) []byte {
			b := slices.Clone(intact)
			b[at] ^= 1
			return b
		},
		"not written over the zeros": func(at int) []byte {
			return append(slices.Clone(intact[:at]), make([]byte, len(intact)-at)...)
		},
	}
	for name, bad := range spoil {
		for at := before; at < end; at++ {
			mem := vfs.NewMem()
			if err := mem.MkdirAll("log", 0o700); err != nil {
				t.Fatal(err)
			}
			content(t, mem, "000001.events", bad(at))
			for reopened := range 3 {
				l, err := openLog(t, mem, 8<<10, 0, 1)
				if err != nil {
					t.Fatalf("%s at %d: %v", name, at, err)
				}
				if len(l.groups) != 2+reopened {
					t.Fatalf("%s at %d, opened %d times: %d groups are recovered, want %d", name, at, reopened, len(l.groups), 2+reopened)
				}
				l.add(4)
				l.wantFound(1, 100, 1, l.next-1, 0)
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// Each byte of a group that has another behind it is damaged once: it costs records, which are then found to be
// damaged, or the log is not opened; nothing is missing without a word.
func TestDamage(t *testing.T) {
	l, fs := newLog(t, 8<<10)
	l.add(3)
	from := l.end()
	l.add(4)
	to := l.end()
	l.add(4)
	intact := content(t, fs, "000001.events", nil)
	for _, after := range []uint64{0, 2, 3} {
		refused := 0
		for at := from; at < to; at++ {
			bad := slices.Clone(intact)
			bad[at] ^= 1
			content(t, fs, "000001.events", bad)
			next := map[uint64]uint64{0: 1, 2: 8, 3: 12}[after]
			l, err := openLog(t, fs, 8<<10, after, next)
			if errors.Is(err, ErrDamaged) {
				refused++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if l.next != 12 || len(l.groups) != 3-int(after) {
				t.Fatalf("after %d, byte %d: the log ends before %d, %d groups are recovered", after, at, l.next, len(l.groups))
			}
			got, damaged := l.found(1, 100)
			for _, p := range want(1, 11) {
				if !slices.Contains(got, p) {
					t.Fatalf("after %d, byte %d: %d is missing without a word", after, at, p)
				}
			}
			if damaged > 4 {
				t.Fatalf("after %d, byte %d: %d records are damaged", after, at, damaged)
			}
		}
		if applied := after >= 2; applied && refused > 0 || !applied && (refused == 0 || refused > 150) {
			t.Errorf("after %d: refused with %d of %d damaged bytes", after, refused, to-from)
		}
	}
}

func TestMissingSegment(t *testing.T) {
	for _, test := range []struct{ name, gone string }{
		{"the first", "000001.events"}, {"one between", "000003.events"}, {"the last", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, fs := newLog(t, 1<<10)
			for range 20 {
				l.add(3)
			}
			last, next := l.Next()
			gone := test.gone
			if gone == "" {
				gone = segmentName(l.Newest())
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if err := fs.Remove(fs.PathJoin("log", gone)); err != nil {
				t.Fatal(err)
			}
			after, position := last, next
			if gone == "000001.events" {
				after, position = 0, 1 // the owner of an applied log knows where it must begin
			}
			if _, err := openLog(t, fs, 1<<10, after, position); !errors.Is(err, ErrDamaged) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A segment that was begun right before a crash may have any part of its header.
func TestTornSegmentHeader(t *testing.T) {
	l, fs := newLog(t, 1<<10)
	for range 10 {
		l.add(3)
	}
	last, _ := l.Next()
	if err := l.Rotate(); err != nil {
		t.Fatal(err)
	}
	newest := segmentName(l.Newest())
	header := content(t, fs, newest, nil)
	for size := range len(header) {
		content(t, fs, newest, append([]byte{}, header[:size]...))
		l, err := openLog(t, fs, 1<<10, 0, 1)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if got, _ := l.Next(); got != last {
			t.Fatalf("%d bytes: the log ends with group %d, want %d", size, got, last)
		}
	}
}

func FuzzRecover(f *testing.F) {
	t := new(testing.T)
	l, fs := newLog(t, 1<<20)
	l.add(3)
	l.add(2)
	f.Add(content(t, fs, "000001.events", nil)[segmentHeaderSize:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		mem := vfs.NewMem()
		if err := mem.MkdirAll("log", 0o700); err != nil {
			t.Fatal(err)
		}
		s := segment{number: 1, first: 1}
		content(t, mem, "000001.events", append(s.header(), body...))
		l, err := Open(Options{FS: mem, Dir: "log", SegmentSize: 1 << 20, Check: check})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Recover(0, 1, func(Recovered) error { return nil }); err != nil {
			return
		}
		if err := l.Scan(0, min(l.next, 1<<16), func(uint64, []byte, error) bool { return true }); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	})
}
