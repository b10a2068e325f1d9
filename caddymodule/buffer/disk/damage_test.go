package disk

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

var rotFiles = []string{".sst", ".events", "MANIFEST-", "marker.", "OPTIONS-", "control"}

var rotKinds = []string{"a flipped bit", "a zeroed sector", "a sector of garbage", "a cut off end", "a missing file"}

// TestDamage damages a file of a closed buffer, at random. It opens all the same and takes events, under positions that
// no event had before. Every event that was acknowledged is as it was or reads as an error; or it lies in a file that
// was set aside. Nothing is lost in silence, and nothing is altered.
func TestDamage(t *testing.T) {
	n := *faultSeeds
	if n == 0 {
		n = 3 * len(rotFiles) * len(rotKinds)
	}
	tally := map[string]int{}
	r := report.New("disk-damage", fmt.Sprintf("make faults SEEDS=%d", n))
	for seed := *firstFault; seed < *firstFault+n; seed++ {
		file, kind := rotFiles[seed%len(rotFiles)], rotKinds[seed/len(rotFiles)%len(rotKinds)]
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := newRot(t, seed)
			r.damage(file, kind)
			tally[file+kind+r.judge()]++
			if t.Failed() {
				t.Logf("alone: go test ./caddymodule/buffer/disk -run 'TestDamage/seed=%d$' -first %d -seeds 1", seed, seed)
			}
		})
	}
	if t.Failed() {
		return
	}
	r.Figure("damaged buffers", n, "")
	r.Figure("with events that are lost in silence, or altered", 0, "")
	head := []string{"file", "damage", rotAside, rotSome, rotNone}
	var rows [][]string
	for _, file := range rotFiles {
		for _, kind := range rotKinds {
			row := []string{file, kind}
			for _, outcome := range head[2:] {
				row = append(row, fmt.Sprint(tally[file+kind+outcome]))
			}
			rows = append(rows, row)
		}
	}
	r.Table(head, rows)
	r.Note("One file of a closed buffer is damaged at a random place. *Set aside* means that the buffer goes on with fresh files, and that none of the old ones is lost: " +
		"with the damage repaired, all is there. Files that hold nothing that is needed any more may be damaged without harm.")
	if err := r.Write(); err != nil {
		t.Error(err)
	}
}

// What becomes of a buffer with a damaged file.
const (
	rotAside = "files are set aside"
	rotSome  = "some events are dead letters"
	rotNone  = "all events are there"
)

// rot is a closed buffer, and what is in it.
type rot struct {
	t    *testing.T
	rng  *rand.Rand
	disk *vfs.MemFS
	o    Options
	told *ledger
	what string
	// intact are the bytes of the damaged file before.
	file   string
	intact []byte
}

func newRot(t *testing.T, seed int) *rot {
	r := &rot{t: t, rng: rand.New(rand.NewPCG(uint64(seed), 12)), disk: vfs.NewMem(), told: newLedger()}
	r.o = Options{Path: "buffer", FS: r.disk, memTable: 64 << 10}
	for range 1 + r.rng.IntN(3) {
		r.fill()
	}
	return r
}

// fill opens the buffer, adds some events and settles some.
func (r *rot) fill() {
	b, err := Open(r.t.Context(), r.o)
	if err != nil {
		r.t.Fatal(err)
	}
	defer b.Close()
	for range r.rng.IntN(150) {
		id := fmt.Sprintf("%d", r.rng.Uint64())
		receipt, err := b.Append(r.t.Context(), crashEvent(id, 1+r.rng.IntN(3000)))
		if err != nil {
			r.t.Fatal(err)
		}
		r.told.appended[id] = receipt.Position
	}
	c, err := b.Consumer(r.t.Context(), "h")
	if err != nil {
		r.t.Fatal(err)
	}
	for c.Stats().Pending > 20 {
		leases, err := c.Lease(r.t.Context(), buffer.Room{Events: 20})
		if err != nil {
			r.t.Fatal(err)
		}
		if err := settleSome(r.t.Context(), c, r.told, leases, r.rng); err != nil {
			r.t.Fatal(err)
		}
	}
}

// damage does so to one file of the kind, where there is one.
func (r *rot) damage(file, kind string) {
	names, err := r.disk.List(r.o.Path)
	if err != nil {
		r.t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, file) && !strings.HasSuffix(name, file) })
	slices.Sort(names)
	if len(names) == 0 {
		r.what = "nothing"
		return
	}
	r.file = r.disk.PathJoin(r.o.Path, names[r.rng.IntN(len(names))])
	r.intact = r.read()
	bad := slices.Clone(r.intact)
	if len(bad) == 0 && kind != "a missing file" {
		return
	}
	sector := func(fill func() byte) {
		from := r.rng.IntN(len(bad)) &^ 511
		for i := from; i < min(from+512, len(bad)); i++ {
			bad[i] = fill()
		}
		r.what = fmt.Sprintf("%s of %s at %d of %d", kind, r.file, from, len(bad))
	}
	switch kind {
	case "a flipped bit":
		i := r.rng.IntN(len(bad))
		bad[i] ^= 1 << r.rng.IntN(8)
		r.what = fmt.Sprintf("%s of %s at %d of %d", kind, r.file, i, len(bad))
	case "a zeroed sector":
		sector(func() byte { return 0 })
	case "a sector of garbage":
		sector(func() byte { return byte(r.rng.Uint64()) })
	case "a cut off end":
		bad = bad[:r.rng.IntN(len(bad))]
		r.what = fmt.Sprintf("%s of %s from %d of %d", kind, r.file, len(bad), len(r.intact))
	case "a missing file":
		r.what = kind + ", " + r.file
		if err := r.disk.Remove(r.file); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	r.write(bad)
}

func (r *rot) read() []byte {
	f, err := r.disk.Open(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *rot) write(b []byte) {
	f, err := r.disk.Create(r.file, vfs.WriteCategoryUnspecified)
	if err != nil {
		r.t.Fatal(err)
	}
	_, err = f.Write(b)
	must(r.t, err, f.Sync(), f.Close())
}

// With damage to the newest events, none of their positions is given to another.
func TestDamageToTheNewestEvents(t *testing.T) {
	r := &rot{t: t, disk: vfs.NewMem(), told: newLedger()}
	r.o = Options{Path: "buffer", FS: r.disk}
	b, err := Open(t.Context(), r.o)
	if err != nil {
		t.Fatal(err)
	}
	const n = 100
	for i := range n {
		id := fmt.Sprint(i)
		receipt, err := b.Append(t.Context(), crashEvent(id, 1000))
		if err != nil {
			t.Fatal(err)
		}
		r.told.appended[id] = receipt.Position
	}
	for p := uint64(n - 5); p <= n; p++ {
		flipInRecord(t, b, p)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = Open(t.Context(), r.o); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	lost, damaged := r.compare(b)
	if lost > 0 || damaged == 0 {
		t.Errorf("%d events are lost in silence and %d read as damaged", lost, damaged)
	}
	receipt, err := b.Append(t.Context(), crashEvent("later", 1000))
	if err != nil || receipt.Position <= n {
		t.Errorf("the next event got position %d, %v; %d were given before", receipt.Position, err, n)
	}
	r.drain(b)
	await(t, time.Minute, "the damaged events are dead letters", func() bool { return b.Stats().DeadLetters == uint64(damaged) })
}
