package disk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// ledger is what the outside world was told, and when. A crash may lose nothing of it.
type ledger struct {
	mu       sync.Mutex
	appended map[string]uint64
	settled  map[uint64]bool
	dead     map[uint64]bool
	deferred map[uint64]int
}

func newLedger() *ledger {
	return &ledger{appended: map[string]uint64{}, settled: map[uint64]bool{}, dead: map[uint64]bool{}, deferred: map[uint64]int{}}
}

func (l *ledger) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// copied returns what was told so far. It must be taken before the crash: what
// is acknowledged between the two may or may not be on the disk's copy.
func (l *ledger) copied() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := newLedger()
	for k, v := range l.appended {
		c.appended[k] = v
	}
	for k, v := range l.settled {
		c.settled[k] = v
	}
	for k, v := range l.dead {
		c.dead[k] = v
	}
	for k, v := range l.deferred {
		c.deferred[k] = v
	}
	return c
}

const crashWriters = 8

// load appends and settles until ctx ends, writing down every acknowledgement.
func load(ctx context.Context, t *testing.T, b *Buffer, l *ledger, seed uint64, progress chan<- struct{}) {
	c, err := b.Consumer(ctx, "h")
	if err != nil {
		t.Error(err)
		return
	}
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				r, err := b.Append(ctx, crashEvent(id, 1+rng.IntN(3000)))
				if err == nil {
					l.note(func() { l.appended[id] = r.Position })
				}
				select {
				case progress <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for w := range 3 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(100+w)))
			for ctx.Err() == nil {
				leases, err := c.Lease(ctx, buffer.Room{Events: 1 + rng.IntN(5)})
				if err != nil {
					return
				}
				_ = settleSome(ctx, c, l, leases, rng)
			}
		})
	}
	wg.Wait()
}

func settleSome(ctx context.Context, c buffer.Consumer, l *ledger, leases []buffer.Lease, rng *rand.Rand) error {
	var outcomes []buffer.Outcome
	for _, le := range leases {
		o := buffer.Outcome{Position: le.Event.Position, Verb: buffer.Done}
		switch rng.IntN(8) {
		case 0:
			continue // stays leased
		case 1:
			o.Verb, o.Lane, o.Retry = buffer.Defer, le.Event.Lane(), buffer.Retry{Attempts: 1 + rng.IntN(9)}
		case 2:
			o.Verb, o.Reason = buffer.Dead, buffer.ReasonRejected
		}
		outcomes = append(outcomes, o)
	}
	if err := c.Settle(ctx, outcomes...); err != nil {
		return err
	}
	l.note(func() {
		for _, o := range outcomes {
			switch o.Verb {
			case buffer.Defer:
				l.deferred[o.Position] = o.Retry.Attempts
			case buffer.Dead:
				l.dead[o.Position] = true
				l.settled[o.Position] = true
			default:
				l.settled[o.Position] = true
			}
		}
	})
	return nil
}

func crashEvent(id string, size int) *buffer.Event {
	body := make([]byte, size)
	for i := range body {
		body[i] = id[i%len(id)]
	}
	return &buffer.Event{Source: "s", ID: id, VehicleID: id[:1], Body: body}
}

// crash runs the load, takes a copy of the disk as a power cut at a random moment would leave it,
// and returns it with what had been acknowledged before.
func crash(t *testing.T, o Options, mem *vfs.MemFS, seed uint64, percent int) (*vfs.MemFS, *ledger) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.FS = mem
	b, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger()
	progress := make(chan struct{}, 4096)
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		load(ctx, t, b, l, seed, progress)
	}()
	rng := rand.New(rand.NewPCG(seed, 7))
	for range 20 + rng.IntN(400) {
		<-progress
	}
	told := l.copied()
	after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
	cancel()
	<-loaded
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return after, told
}

// verify opens the copy and lists what is missing or wrong.
func verify(ctx context.Context, o Options, mem *vfs.MemFS, told *ledger) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	o.FS = mem
	b, err := Open(ctx, o)
	if err != nil {
		return []string{err.Error()}
	}
	defer b.Close()
	if aside := b.Stats().Damaged; len(aside) > 0 {
		complain("files are set aside: %+v", aside)
		return wrong // all else follows from that
	}
	ids := storedIDs(b, complain)
	for id, position := range told.appended {
		if ids[position] != id {
			complain("event %s at %d was acknowledged and is lost", id, position)
		}
		if r, err := b.Append(ctx, crashEvent(id, 1)); err != nil || !r.Duplicate || r.Position != position {
			complain("event %s at %d sent again: got %+v, %v", id, position, r, err)
		}
	}
	verifyConsumer(ctx, b, told, ids, complain)
	if n := b.Stats().Corrupt; n != 0 {
		complain("%d events are corrupt", n)
	}
	return wrong
}

// storedIDs reads all events, and checks that each is whole.
func storedIDs(b *Buffer, complain func(string, ...any)) map[uint64]string {
	ids := map[uint64]string{}
	for p := b.first.Load(); p <= b.durable.Load(); p++ {
		e, _, err := b.readEvent(p)
		if err != nil {
			complain("event %d cannot be read: %v", p, err)
			continue
		}
		if want := crashEvent(e.ID, len(e.Body)); string(e.Body) != string(want.Body) {
			complain("event %d has a body that nobody sent", p)
		}
		ids[p] = e.ID
	}
	return ids
}

func verifyConsumer(ctx context.Context, b *Buffer, told *ledger, _ map[uint64]string, complain func(string, ...any)) {
	c, err := b.Consumer(ctx, "h")
	if err != nil {
		complain("opening the consumer: %v", err)
		return
	}
	defer c.Close()
	had := map[uint64]bool{}
	var last uint64
	for c.Stats().Pending > 0 {
		leases, err := c.Lease(ctx, buffer.Room{Events: 100})
		if err != nil {
			complain("leasing: %v", err)
			return
		}
		for _, le := range leases {
			p := le.Event.Position
			if p <= last {
				complain("event %d came after %d", p, last)
			}
			last = p
			had[p] = true
			_, deferred := told.deferred[p]
			if told.settled[p] || deferred {
				complain("event %d was settled or deferred and comes again as fresh", p)
			}
		}
	}
	deferred := uint64(0)
	for lane := range c.Lanes(ctx) {
		leases, err := c.LeaseDeferred(ctx, lane.Name, buffer.Room{Events: 1 << 20})
		if err != nil {
			complain("leasing lane %s: %v", lane.Name, err)
		}
		for _, le := range leases {
			deferred++
			had[le.Event.Position] = true
			if n, ok := told.deferred[le.Event.Position]; ok && n != le.Retry.Attempts {
				complain("event %d has %d attempts, want %d", le.Event.Position, le.Retry.Attempts, n)
			}
		}
	}
	if n := c.Stats().Deferred; n != deferred {
		complain("stats count %d deferred, there are %d", n, deferred)
	}
	dead := map[uint64]bool{}
	for d, err := range b.DeadLetters(ctx, "") {
		if err != nil {
			complain("dead letter: %v", err)
		}
		dead[d.Event.Position] = true
	}
	if n := b.Stats().DeadLetters; n != uint64(len(dead)) {
		complain("stats count %d dead letters, there are %d", n, len(dead))
	}
	for p := range told.dead {
		if !dead[p] {
			complain("the dead letter of %d is lost", p)
		}
	}
	for p := range told.deferred {
		if !had[p] {
			complain("deferred event %d is lost", p)
		}
	}
}

func TestCrashLosesNothingAcknowledged(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	for _, percent := range []int{0, 30, 80} {
		for round := range rounds {
			t.Run(fmt.Sprintf("%d%% of unsynced data survives, round %d", percent, round), func(t *testing.T) {
				t.Parallel()
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				o := Options{Path: "buffer", memTable: 256 << 10}
				mem, told := crash(t, o, vfs.NewCrashableMem(), seed, percent)
				wrong := verify(t.Context(), o, mem, told)
				for _, w := range wrong[:min(len(wrong), 10)] {
					t.Error(w)
				}
				if len(told.appended) == 0 {
					t.Error("nothing was acknowledged before the crash, so nothing was shown")
				}
			})
		}
	}
}

// A crash in the recovery of a crash must lose nothing either.
func TestCrashDuringRecovery(t *testing.T) {
	o := Options{Path: "buffer", memTable: 256 << 10}
	for round := range 5 {
		mem, told := crash(t, o, vfs.NewCrashableMem(), uint64(round), 50)
		rng := rand.New(rand.NewPCG(uint64(round), 3))
		for range 4 {
			var clone atomic.Pointer[vfs.MemFS]
			at := rng.IntN(60)
			o.FS = countingFS(mem, at, func() { clone.Store(mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})) })
			b, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			if c := clone.Load(); c != nil {
				mem = c
			}
		}
		if wrong := verify(t.Context(), o, mem, told); len(wrong) > 0 {
			t.Fatalf("round %d: %v", round, wrong[:min(len(wrong), 10)])
		}
	}
}

// The same harness must see what a missing sync loses, or it shows nothing.
func TestCrashHarnessSeesAMissingSync(t *testing.T) {
	o := Options{Path: "buffer", memTable: 256 << 10, noSync: true}
	for round := range uint64(10) {
		mem, told := crash(t, o, vfs.NewCrashableMem(), round, 0)
		wrong := verify(t.Context(), o, mem, told)
		if slices.ContainsFunc(wrong, func(w string) bool { return len(w) > 0 }) {
			t.Logf("found, as it should: %s (and %d more)", wrong[0], len(wrong)-1)
			return
		}
	}
	t.Fatal("ten crashes without syncs lost nothing: the harness is blind")
}

var errInjected = errors.New("injected by the test")
