package disk

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// crashedBuffer is one that has crashed, with groups in its log that its store does not have yet, and all of them in the
// control file. Its store knows of an event, a dead letter and an id from before its log. It returns the name of the one
// segment with these groups.
func crashedBuffer(t *testing.T, seed uint64) (r *rot, segment string) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	var hours time.Duration
	clock := func() time.Time { return time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC).Add(hours) }
	r = &rot{t: t, rng: rand.New(rand.NewPCG(seed, 12)), told: newLedger()}
	r.o = Options{Path: "buffer", FS: mem, Clock: clock, Limits: Limits{Retention: time.Hour}}
	b, err := Open(t.Context(), r.o)
	must(t, err)
	c := openConsumer(t, b, "h")
	_, err = b.Append(t.Context(), crashEvent("old", 10))
	must(t, err)
	settleN(t, c, 1, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	must(t, b.events.Rotate())
	hours = 2 * time.Hour
	_, err = b.Append(t.Context(), crashEvent("between", 10))
	must(t, err)
	settleN(t, c, 1, buffer.Outcome{Verb: buffer.Done})
	must(t, b.trim(t.Context()), b.flushAndRemove())
	if _, first, _ := b.events.Beginning(); first != 2 {
		t.Fatalf("the log begins with %d, so what is older is in it", first)
	}
	closeAll(t, c)
	must(t, b.Close())

	b, err = Open(t.Context(), r.o)
	must(t, err)
	c = openConsumer(t, b, "h")
	for range 12 {
		var wg sync.WaitGroup
		for range 1 + r.rng.IntN(4) {
			id, size := fmt.Sprintf("%d", r.rng.Uint64()), 1+r.rng.IntN(200)
			wg.Go(func() {
				receipt, err := b.Append(t.Context(), crashEvent(id, size))
				if err != nil {
					t.Error(err)
				}
				r.told.note(func() { r.told.appended[id] = receipt.Position })
			})
		}
		wg.Wait()
		if c.Stats().Pending < 3 {
			continue
		}
		leases, err := c.Lease(t.Context(), buffer.Room{Events: 3})
		must(t, err)
		must(t, settleSome(t.Context(), c, r.told, leases, r.rng))
	}
	b.writeControl(false)
	names := segmentNames(t, mem, r.o)
	r.crash(mem)
	closeAll(t, c)
	must(t, b.Close())
	return r, names[len(names)-1]
}

// checkKept wants what the store has had from before the log.
func (r *rot) checkKept(b *Buffer) {
	for _, d := range b.Stats().Damaged {
		if d.What == buffer.DamagedStore || d.What == buffer.DamagedAll {
			r.t.Errorf("%s: more is set aside than must be: %+v", r.what, d)
		}
	}
	if n := b.Stats().DeadLetters; n == 0 {
		r.t.Errorf("%s: the old dead letter is missing", r.what)
	}
	if receipt, err := b.Append(r.t.Context(), crashEvent("old", 10)); err != nil || receipt.Position != 1 || !receipt.Duplicate {
		r.t.Errorf("%s: an event with an old id: %+v, %v", r.what, receipt, err)
	}
}

// checkCrashed opens the crashed buffer after the damage: nothing is set aside that is not damaged, and every event that
// was acknowledged can be read or is known to be damaged.
func (r *rot) checkCrashed() (damaged int) {
	b, err := Open(r.t.Context(), r.o)
	if err != nil {
		r.t.Fatalf("%s: the buffer does not open: %v", r.what, err)
	}
	defer func() { must(r.t, b.Close()) }()
	r.checkKept(b)
	r.checkNext(b)
	lost, damaged := r.compare(b)
	if lost > 0 {
		r.t.Errorf("%s: %d events are lost in silence", r.what, lost)
	}
	aside := len(b.Stats().Damaged)
	r.checkDelivered(b, r.finish(b))
	last := b.Stats().Last
	must(r.t, b.Close())
	if b, err = Open(r.t.Context(), r.o); err != nil {
		r.t.Fatalf("%s: the second time: %v", r.what, err)
	}
	if s := b.Stats(); s.Last < last || len(s.Damaged) != aside {
		r.t.Errorf("%s: opened again: %+v; want the last position %d, and nothing more set aside", r.what, s, last)
	}
	r.checkNextAgain(b, b.Stats().Last)
	return damaged
}

// finish has the consumer take and settle all that is left, deferred or not.
func (r *rot) finish(b *Buffer) (had map[uint64]bool) {
	had = map[uint64]bool{}
	c := openConsumer(r.t, b, "h")
	defer closeAll(r.t, c)
	settle := func(leases []buffer.Lease, err error) {
		must(r.t, err)
		for _, l := range leases {
			had[l.Event.Position] = true
			must(r.t, c.Settle(r.t.Context(), buffer.Outcome{Position: l.Event.Position, Verb: buffer.Done}))
		}
	}
	for lane := range c.Lanes(r.t.Context()) {
		settle(c.LeaseDeferred(r.t.Context(), lane.Name, buffer.Room{Events: 1 << 20}))
	}
	for c.Stats().Pending > 0 {
		if _, err := b.Append(r.t.Context(), crashEvent("end", 10)); err != nil {
			r.t.Fatal(err) // that the wait for an event comes to an end
		}
		settle(c.Lease(r.t.Context(), buffer.Room{Events: 50}))
	}
	return had
}

// again is the same crashed buffer once more, on another disk.
func (r *rot) again(t *testing.T, mem *vfs.MemFS) *rot {
	t.Helper()
	must(t, mem.MkdirAll(r.o.Path, 0o700))
	names, err := r.disk.List(r.o.Path)
	must(t, err)
	for _, name := range names {
		path := r.disk.PathJoin(r.o.Path, name)
		if info, err := r.disk.Stat(path); err != nil || info.IsDir() {
			continue
		}
		f, err := r.disk.Open(path)
		must(t, err)
		b, err := io.ReadAll(f)
		must(t, err, f.Close())
		w, err := mem.Create(path, vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = w.Write(b)
		must(t, err, w.Sync(), w.Close())
	}
	syncDirs(t, mem, r.o.Path)
	c := *r
	c.t, c.disk, c.o.FS = t, mem, mem
	return &c
}

// Damage to groups of the log that the store does not have yet, in the middle or at the end, costs no more than these
// groups. Their events are dead letters where they cannot be read, and handlers get again what they had behind them.
func TestDamageToWhatTheStoreLacks(t *testing.T) {
	step := sweep{long: 61, seeds: 499, usual: 1499, short: 4999}.pick()
	damagedEver := 0
	for seed := range uint64(3) {
		r, segment := crashedBuffer(t, seed)
		r.file = r.disk.PathJoin(r.o.Path, segment)
		intact := r.read()
		end := len(bytes.TrimRight(intact, "\x00"))
		for at := 200 * int(seed); at < end; at += step {
			for kind, bad := range map[string][]byte{
				"a flipped bit": flipped(intact, at),
				"a cut off end": intact[:at],
				"an empty rest": append(slices.Clone(intact[:at]), make([]byte, len(intact)-at)...),
				"a dead sector": dead(intact, at),
			} {
				t.Run(fmt.Sprintf("seed=%d/%s at %d of %d", seed, kind, at, end), func(t *testing.T) {
					r := r.again(t, vfs.NewMem())
					r.what = kind
					r.write(bad)
					damagedEver += r.checkCrashed()
				})
			}
		}
	}
	if !t.Failed() && damagedEver == 0 {
		t.Error("no damage has hit an event, so nothing is shown")
	}
}

// A power cut while the buffer goes on without such groups, at whatever step, changes nothing of that.
func TestPowerCutWhileChangesAreLost(t *testing.T) {
	step := sweep{long: 1, seeds: 5, usual: 5, short: 21}.pick()
	whole, segment := crashedBuffer(t, 7)
	whole.file = whole.disk.PathJoin(whole.o.Path, segment)
	intact := whole.read()
	end := len(bytes.TrimRight(intact, "\x00"))
	for kind, bad := range map[string][]byte{
		"in the middle": dead(intact, end/3), "at the end": append(slices.Clone(intact[:end/2]), make([]byte, len(intact)-end/2)...),
	} {
		t.Run(kind, func(t *testing.T) {
			for n := 1; ; n += step {
				mem := vfs.NewCrashableMem()
				r := whole.again(t, mem)
				r.write(bad)
				syncDirs(t, mem, r.o.Path)
				var cut *vfs.MemFS
				var opened atomic.Bool
				r.o.FS = countingFS(mem, n, func() {
					if !opened.Load() {
						cut = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(n), 1))})
					}
				})
				b, err := Open(t.Context(), r.o)
				opened.Store(true)
				must(t, err, b.Close())
				if cut == nil {
					return
				}
				r.what, r.disk, r.o.FS = fmt.Sprintf("cut before write %d", n), cut, cut
				r.checkCrashed()
			}
		})
	}
}

// crash goes on with what is on the disk for sure.
func (r *rot) crash(mem *vfs.MemFS) {
	r.disk = mem.CrashClone(vfs.CrashCloneCfg{})
	r.o.FS = r.disk
}

func syncDirs(t *testing.T, fs vfs.FS, path string) {
	t.Helper()
	for _, path := range []string{path, ""} {
		d, err := fs.OpenDir(path)
		must(t, err, d.Sync(), d.Close())
	}
}

func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1 << (at % 8)
	return b
}

func dead(b []byte, at int) []byte {
	b = slices.Clone(b)
	clear(b[at:min(len(b), at+512)])
	return b
}
