package eventlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// record is one for a position, with a checksum as the owner would have it.
func record(position uint64, size int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, position)
	b = append(b, strings.Repeat("x", size)...)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

func check(raw []byte, position uint64) error {
	n := len(raw) - 4
	if n < 8 || checksum(raw[:n]) != binary.LittleEndian.Uint32(raw[n:]) || binary.LittleEndian.Uint64(raw) != position {
		return errors.New("not what was written")
	}
	return nil
}

// opened is a log, and what was replayed.
type opened struct {
	*Log
	t      *testing.T
	groups []uint64
}

func openLog(t *testing.T, fs vfs.FS, size int64, after, next uint64) (*opened, error) {
	t.Helper()
	l, err := Open(Options{FS: fs, Dir: "log", SegmentSize: size, Check: check})
	if err != nil {
		return nil, err
	}
	o := &opened{Log: l, t: t}
	return o, l.Recover(after, next, func(g Recovered) error {
		if string(g.Batch) != fmt.Sprint("batch ", g.Number) {
			t.Errorf("group %d is replayed with %q", g.Number, g.Batch)
		}
		o.groups = append(o.groups, g.Number)
		return nil
	})
}

func newLog(t *testing.T, size int64) (*opened, *vfs.MemFS) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	if err := fs.MkdirAll("log", 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := fs.OpenDir("")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(root.Sync(), root.Close()); err != nil {
		t.Fatal(err)
	}
	l, err := openLog(t, fs, size, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return l, fs
}

// end is where the last group ends in the file of the last segment.
func (o *opened) end() int {
	all := *o.segments.Load()
	return int(all[len(all)-1].end)
}

// add appends a group of so many records; every fifth position has none.
func (o *opened) add(records int) {
	o.t.Helper()
	last, next := o.Next()
	var g Group
	g.Reset(last+1, next)
	for p := next; p < next+uint64(records); p++ {
		if p%5 == 0 {
			g.Gap()
			continue
		}
		raw := record(p, 100)
		copy(g.Record(len(raw)), raw)
	}
	if err := o.Append(&g, fmt.Append(nil, "batch ", last+1)); err != nil {
		o.t.Fatal(err)
	}
}

// found returns the positions that a scan comes to, and how many of them are damaged.
func (o *opened) found(from, to uint64) (positions []uint64, damaged int) {
	o.t.Helper()
	take := func(p uint64, raw []byte, err error) bool {
		if errors.Is(err, ErrDamaged) || err == nil && check(raw, p) != nil {
			damaged++
		}
		positions = append(positions, p)
		return true
	}
	if err := o.Scan(from, to, take); err != nil {
		o.t.Fatal(err)
	}
	forwards, n := positions, damaged
	positions, damaged = nil, 0
	if err := o.ScanBack(from, to, take); err != nil {
		o.t.Fatal(err)
	}
	slices.Reverse(positions)
	if !slices.Equal(forwards, positions) || n != damaged {
		o.t.Errorf("forwards %v (%d damaged), backwards %v (%d)", forwards, n, positions, damaged)
	}
	return forwards, n
}

// want are the positions with a record in a range.
func want(from, to uint64) (all []uint64) {
	for p := from; p <= to; p++ {
		if p%5 != 0 {
			all = append(all, p)
		}
	}
	return all
}

func (o *opened) wantFound(from, to, first, last uint64, damaged int) {
	o.t.Helper()
	got, n := o.found(from, to)
	if !slices.Equal(got, want(first, last)) || n != damaged {
		o.t.Errorf("from %d to %d: %d records, %d of them damaged; want %d to %d with %d damaged: %v", from, to, len(got), n, first, last, damaged, got)
	}
}

func TestRoundTrip(t *testing.T) {
	l, fs := newLog(t, 8<<10)
	for range 4 {
		for range 20 {
			l.add(1 + int(l.next%7))
		}
		last, next := l.Next()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if l, err = openLog(t, fs, 8<<10, 0, 1); err != nil {
			t.Fatal(err)
		}
		if len(l.groups) != int(last) || l.next != next {
			t.Fatalf("%d of %d groups are recovered, up to %d of %d", len(l.groups), last, l.next, next)
		}
		end := next - 1
		l.wantFound(1, end, 1, end, 0)
		l.wantFound(0, end+100, 1, end, 0)
		l.wantFound(end/3, end/2, end/3, end/2, 0)
	}
	if l.Newest() < 4 {
		t.Errorf("all is in %d segments", l.Newest())
	}
	if _, err := l.Read(5); !errors.Is(err, ErrNotFound) {
		t.Errorf("reading a position without a record: %v", err)
	}
	if raw, err := l.Read(6); err != nil || check(raw, 6) != nil {
		t.Errorf("reading a record: %q, %v", raw, err)
	}
}

func TestReadWhileAppendedAndRemoved(t *testing.T) {
	l, _ := newLog(t, 4<<10)
	l.add(3)
	var done sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := l.Scan(0, 1<<40, func(p uint64, raw []byte, err error) bool {
					if err != nil || check(raw, p) != nil {
						t.Errorf("record %d: %v", p, err)
					}
					return true
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 400 {
		l.add(3)
		if i%20 == 19 {
			last, next := l.Next()
			if err := l.Remove(next-30, last, func(string) {}); err != nil {
				t.Error(err)
			}
		}
	}
	close(stop)
	done.Wait()
}

func TestRemove(t *testing.T) {
	l, fs := newLog(t, 1<<10)
	for range 30 {
		l.add(3)
	}
	all := l.Names()
	third, fifth := (*l.segments.Load())[2], (*l.segments.Load())[4]
	for _, test := range []struct {
		name           string
		first, applied uint64
		left           int
	}{
		{"nothing is applied", 1 << 40, 0, len(all)},
		{"nothing is trimmed", 1, 1 << 40, len(all)},
		{"trimmed up to the last of the third", third.next - 1, 1 << 40, len(all) - 2},
		{"trimmed with the last of the third", third.next, 1 << 40, len(all) - 3},
		{"applied up to the last but one of the fifth", 1 << 40, fifth.last - 1, len(all) - 4},
		{"applied with the last of the fifth", 1 << 40, fifth.last, len(all) - 5},
		{"all", 1 << 40, 1 << 40, 1},
	} {
		if err := l.Remove(test.first, test.applied, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if n := len(l.Names()); n != test.left {
			t.Errorf("%s: %d segments are left, want %d", test.name, n, test.left)
		}
	}
	last, next := l.Next()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openLog(t, fs, 1<<10, 0, 1); !errors.Is(err, ErrDamaged) {
		t.Errorf("groups that are gone and not applied: got %v", err)
	}
	if l, err := openLog(t, fs, 1<<10, last, next); err != nil || l.next != next {
		t.Errorf("with all applied: %v", err)
	}
}

// content reads a file of the log, or writes it.
func content(t *testing.T, fs vfs.FS, name string, b []byte) []byte {
	t.Helper()
	path := fs.PathJoin("log", name)
	if b != nil {
		f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(bytes.Clone(b)); err != nil { // it may do with it what it wants
			t.Fatal(err)
		}
		return b
	}
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err = io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPowerCut(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l, fs := newLog(t, 2<<10)
		for range 4 {
			for range rng.IntN(12) {
				l.add(rng.IntN(4))
			}
			last, next := l.Next()
			fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
			var err error
			if l, err = openLog(t, fs, 2<<10, 0, 1); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if got, position := l.Next(); got != last || position != next {
				t.Fatalf("seed %d: the log ends with group %d before %d, want %d before %d", seed, got, position, last, next)
			}
			l.wantFound(1, next, 1, next-1, 0)
		}
	}
}
