package disk

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
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
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

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
