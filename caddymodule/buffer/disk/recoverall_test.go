package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// spoilGroups changes the bytes of each nth group of a segment, in the part that f gets.
func spoilGroups(b []byte, n int, f func(records, table, batch []byte)) []byte {
	const segmentHeader, groupHeader = 36, 44
	for i, at := 0, segmentHeader; at+groupHeader < len(b) && binary.LittleEndian.Uint32(b[at:]) != 0; i++ {
		g := b[at:]
		length, records, batch := int(binary.LittleEndian.Uint32(g[4:])), int(binary.LittleEndian.Uint32(g[24:])),
			int(binary.LittleEndian.Uint32(g[28:]))
		body := g[groupHeader : groupHeader+length]
		if i%n == 0 {
			table := length - batch - 4*records
			f(body[:table], body[table:length-batch], body[length-batch:])
		}
		at += groupHeader + length
	}
	return b
}

// Sectors of all files are damaged at random, of the log and of the store: it is never said that less is missing than is.
func TestRecoverAtRandom(t *testing.T) {
	seeds, whole := sweep{long: 1000, seeds: 40, usual: 20, short: 8}.pick(), 0
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 3))
			mem := vfs.NewMem()
			m := newMixed(t, mem)
			names, err := mem.List(m.o.Path)
			must(t, err)
			slices.Sort(names)
			for _, name := range names {
				info, err := mem.Stat(mem.PathJoin(m.o.Path, name))
				must(t, err)
				if info.IsDir() || info.Size() == 0 || rng.IntN(2) == 0 || name == "identity" {
					continue
				}
				damageFile(t, mem, mem.PathJoin(m.o.Path, name), func(b []byte) []byte {
					for range 1 + rng.IntN(3) {
						from := rng.IntN(len(b)) &^ 511
						for i := from; i < min(from+512, len(b)); i++ {
							b[i] = byte(rng.Uint64())
						}
					}
					return b
				})
			}
			b, err := Open(t.Context(), m.o)
			must(t, err)
			defer b.Close()
			if slices.ContainsFunc(b.Stats().Damaged, func(d buffer.Damaged) bool { return d.What == buffer.DamagedAll }) {
				whole++
				m.unknown = true
				m.recover(t, b, wholeAside(t, b))
			}
		})
	}
	if whole < seeds/4 {
		t.Errorf("of %d buffers, only %d were set aside as a whole", seeds, whole)
	}
}

func flip(b []byte) {
	if len(b) > 0 {
		b[len(b)/2] ^= 1
	}
}

// Whatever of a whole buffer is damaged: what can be read comes back, as event or as dead letter, and what does not is
// counted. The second time nothing is stored.
func TestRecoverWholeBuffer(t *testing.T) {
	none := func([]byte) []byte { return nil }
	for _, tt := range []struct {
		name string
		// which of the files of events, from the first or from behind, and what becomes of its bytes; nil: the file goes
		which  int
		damage func([]byte) []byte
		// unknown: the order to drop a dead letter is lost.
		unknown bool
		// least is how many events are missing at least, most at most.
		least, most uint64
	}{
		{"the beginning of the log", 0, func(b []byte) []byte { clear(b[:4000]); return b }, false, 0, 4},
		{"the beginning of the last file", -1, func(b []byte) []byte { clear(b[:4000]); return b }, false, 1, 4},
		{"records", 1, func(b []byte) []byte {
			return spoilGroups(b, 3, func(records, _, batch []byte) { flip(records); flip(batch) })
		}, false, 5, 30},
		{"how long records are", 1, func(b []byte) []byte {
			return spoilGroups(b, 3, func(_, table, batch []byte) { flip(table); flip(batch) })
		}, false, 5, 30},
		{"changes", 1, func(b []byte) []byte {
			return spoilGroups(b, 1, func(_, _, batch []byte) { flip(batch) })
		}, false, 1, 20},
		{"all of a file", 1, func(b []byte) []byte { clear(b); return b }, false, 20, 80},
		{"a file is empty", 1, none, false, 20, 80},
		{"a file is gone", 1, nil, false, 20, 80},
		{"the first file is gone", 0, nil, false, 1, 80},
		{"the last file is gone", -1, nil, true, 1, 8},
		{"the end of the last file", -1, func(b []byte) []byte { return b[:2000] }, true, 1, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mem := vfs.NewMem()
			m := newMixed(t, mem)
			names := segmentNames(t, mem, m.o)
			if len(names) < 4 {
				t.Fatalf("there are only %v", names)
			}
			damageFile(t, mem, mem.PathJoin(m.o.Path, names[(tt.which+len(names))%len(names)]), tt.damage)
			m.unknown = tt.unknown
			spoil(t, mem, m.o)
			b, err := Open(t.Context(), m.o)
			must(t, err)
			defer b.Close()
			r := m.recover(t, b, wholeAside(t, b))
			if r.Missing < tt.least || r.Missing > tt.most {
				t.Errorf("%d are missing, want %d to %d", r.Missing, tt.least, tt.most)
			}
		})
	}
}

// An event that a handler gets again, and that the log does not have any more, lies in the copy that the handler has.
func TestRecoverCopies(t *testing.T) {
	mem := vfs.NewMem()
	m := newMixedBehind(t, mem, 150)
	names := segmentNames(t, mem, m.o)
	if names[0] == "000001.events" {
		t.Fatalf("the first file is not trimmed: %v", names)
	}
	damageFile(t, mem, mem.PathJoin(m.o.Path, names[len(names)-1]), func(b []byte) []byte { clear(b[:4000]); return b })
	spoil(t, mem, m.o)
	b, err := Open(t.Context(), m.o)
	must(t, err)
	defer b.Close()
	m.recover(t, b, wholeAside(t, b))
	now := bodies(t, b)
	for body, was := range m.held {
		if was.what == "copy" && now[body].what != "event" {
			t.Errorf("%.12q of position %d is %q now, want an event", body, was.position, now[body].what)
		}
	}
}

// With the store as it was, no dead letter is missing, even where the file of events is long gone that had its event:
// that of a handler is put back as it was, and can be replayed.
func TestRecoverLettersOfTheStore(t *testing.T) {
	mem := vfs.NewCrashableMem()
	m := newMixed(t, mem)
	dir, err := mem.OpenDir(m.o.Path)
	must(t, err, dir.Sync(), dir.Close())
	b, err := Open(t.Context(), m.o)
	must(t, err)
	m.fill(t, b, 200, 209)
	m.held = bodies(t, b)
	// As a power cut leaves it, the store does not have what is newest.
	cut := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	must(t, b.Close())
	m.o.FS = cut
	names := segmentNames(t, cut, m.o)
	must(t, cut.Remove(cut.PathJoin(m.o.Path, names[0])))
	damageFile(t, cut, cut.PathJoin(m.o.Path, names[len(names)-1]), func(b []byte) []byte {
		n := 0
		return spoilGroups(b, 1, func(_, _, batch []byte) {
			if n++; n == 3 {
				flip(batch)
			}
		})
	})
	// What Pebble needs first is hit too, but an operator finds it again.
	marker, err := takeMarker(cut, m.o.Path)
	must(t, err)
	b, err = Open(t.Context(), m.o)
	must(t, err)
	defer b.Close()
	for _, d := range b.Stats().Damaged {
		must(t, marker.putBack(cut, d.Folder))
	}
	files := func() (all []string) {
		for _, d := range b.Stats().Damaged {
			names, err := cut.List(d.Folder)
			must(t, err)
			all = append(all, names...)
		}
		slices.Sort(all)
		return all
	}
	before := files()
	r := m.recover(t, b, wholeAside(t, b))
	if r.LettersLost {
		t.Error("dead letters may be missing, and the store can be read")
	}
	if after := files(); !slices.Equal(before, after) {
		t.Errorf("set aside is\n%q\nand was\n%q", after, before)
	}
	var letter *buffer.DeadLetter
	for l, err := range b.DeadLetters(t.Context(), "") {
		must(t, err)
		if was := m.held[string(l.Event.Body)]; l.Handler == "h" && was.position < m.first {
			if l.Event.Position != was.position {
				t.Errorf("a dead letter is of position %d, and was of %d", l.Event.Position, was.position)
			}
			letter = &l
			break
		}
	}
	if letter == nil {
		t.Fatal("no dead letter of a trimmed event is there")
	}
	h := openConsumer(t, b, "h")
	defer h.Close()
	must(t, h.Settle(t.Context(), buffer.Outcome{Position: letter.Event.Position, Verb: buffer.Reopen, Lane: "again",
		Letter: letter.ID}))
	leases, err := h.LeaseDeferred(t.Context(), "again", buffer.Room{Events: 1})
	must(t, err)
	if len(leases) != 1 || string(leases[0].Event.Body) != string(letter.Event.Body) {
		t.Errorf("replayed, the handler gets %d events", len(leases))
	}
	if n := b.bytes(); n == 0 {
		t.Error("nothing is accounted for")
	}
}

// storeMarker is the file by which Pebble finds its manifest.
type storeMarker struct{ name, manifest string }

// takeMarker deletes it.
func takeMarker(fsys vfs.FS, dir string) (storeMarker, error) {
	names, err := fsys.List(dir)
	for _, name := range names {
		if strings.HasPrefix(name, "marker.manifest.") {
			return storeMarker{name, name[strings.LastIndexByte(name, '.')+1:]}, fsys.Remove(fsys.PathJoin(dir, name))
		}
	}
	return storeMarker{}, errors.Join(err, errors.New("there is no marker"))
}

// putBack makes it again where its manifest lies.
func (m storeMarker) putBack(fsys vfs.FS, dir string) error {
	names, err := fsys.List(dir)
	if err != nil || !slices.Contains(names, m.manifest) {
		return err
	}
	f, err := fsys.Create(fsys.PathJoin(dir, m.name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	return f.Close()
}
