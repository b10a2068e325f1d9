package disk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

var (
	faultSeeds = flag.Int("seeds", 0, "how many random histories TestFaults and TestDamage play, with sweeps in finer steps; 0: some that take a few seconds")
	firstFault = flag.Int("first", 0, "the first of them")
)

// callBound is how long a call may take beyond the time that its caller allows, on a busy
// machine. What is meant is milliseconds.
const callBound = 10 * time.Second

// TestFaults plays random histories in which the disk fails at a random moment. Whatever fails,
// each call returns in time with nil or an error of a known kind; once the disk is well, the buffer
// goes on by itself or says that it is halted; and after a restart or a power cut all that was
// acknowledged is there, and nothing is altered.
func TestFaults(t *testing.T) {
	n := *faultSeeds
	if n == 0 {
		n = 2 * len(faultKinds)
	}
	if testing.Short() {
		n = len(faultKinds)
	}
	tally := newFaultTally(n)
	for seed := *firstFault; seed < *firstFault+n; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("alone: go test ./caddymodule/buffer/disk -run 'TestFaults/seed=%d$' -first %d -seeds 1", seed, seed)
				}
			}()
			h := newHistory(t, seed)
			h.watch(h.play)
			tally.add(h)
		})
	}
	if t.Failed() {
		return
	}
	if err := tally.write(); err != nil {
		t.Error(err)
	}
}

// history is one buffer on one disk that fails once.
type history struct {
	t    *testing.T
	rng  *rand.Rand
	disk *vfs.MemFS
	o    Options
	plan *plan
	told *ledger

	// outcome says what became of the buffer; slowest is the call that took longest beyond its time.
	outcome string
	calls   atomic.Int64
	slowest atomic.Int64
}

func newHistory(t *testing.T, seed int) *history {
	h := &history{t: t, rng: rand.New(rand.NewPCG(uint64(seed), 11)), disk: vfs.NewCrashableMem(), told: newLedger()}
	h.o = Options{Path: "buffer", FS: h.disk, memTable: 64 << 10, Limits: Limits{Headroom: 1}}
	h.plan = newPlan(h.rng, faultKinds[seed%len(faultKinds)])
	return h
}

// watch ends the test when something hangs.
func (h *history) watch(f func()) {
	h.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		h.plan.heal()
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		h.t.Errorf("%v: the history hangs\n%s", h.plan, stacks.String())
		<-done
	}
}

func (h *history) play() {
	t := h.t
	// Without faults at first, so that there is something to lose.
	b, err := Open(t.Context(), h.o)
	if err != nil {
		t.Error(err)
		return
	}
	h.load(b, "before", 25)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		return
	}

	h.plan.armed.Store(h.plan.opening)
	faulty := h.o
	faulty.FS = h.plan.fs(h.disk)
	if h.rng.IntN(2) == 0 {
		faulty.Log = slog.New(slog.NewTextHandler(testLog{t}, nil))
	}
	h.openUnder(faulty)
	h.plan.heal()
	if t.Failed() {
		return
	}

	// What the disk then has is what a restart finds, or a power cut leaves.
	after := h.disk
	if h.rng.IntN(2) == 0 {
		after = h.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: h.rng.IntN(101), RNG: h.rng})
	}
	wrong := verify(t.Context(), h.o, after, h.told)
	for _, w := range wrong[:min(len(wrong), 5)] {
		t.Errorf("%v, %s: after a reopen: %s", h.plan, h.outcome, w)
	}
}

// openUnder opens the buffer while the disk fails, uses it, lets the disk get well, and uses it again.
func (h *history) openUnder(o Options) {
	t := h.t
	held := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(held)
		h.releaseHeld(stop)
	}()
	defer func() { close(stop); <-held }()

	var b *Buffer
	if err := h.call("Open", func() (err error) { b, err = Open(t.Context(), o); return err }); err != nil {
		h.outcome = outcomeNotOpened
		h.plan.heal()
		if b, err = Open(t.Context(), o); err != nil {
			t.Errorf("%v: opening when the disk is well again: %v", h.plan, err)
			return
		}
	}
	defer func() {
		if err := h.call("Close", b.Close); err != nil {
			t.Errorf("%v: closing: %v", h.plan, err)
		}
	}()
	if h.outcome == "" {
		h.plan.armed.Store(true)
	}
	h.load(b, "under", 60)
	h.plan.heal()
	if err := b.Stats().Halted; err != nil {
		h.outcome = outcomeHalted
		h.checkHalted(b)
		return
	}
	if h.plan.struck.Load() == 0 {
		h.outcome = outcomeNone
	} else if h.outcome == "" {
		h.outcome = outcomeGoesOn
	}
	await(t, callBound, "it takes events again", func() bool {
		r, err := b.Append(t.Context(), crashEvent("again", 100))
		if err == nil {
			h.told.note(func() { h.told.appended["again"] = r.Position })
		}
		return err == nil || b.Stats().Halted != nil
	})
	h.load(b, "well", 10)
}

// releaseHeld asks for an append while an operation is held: it must not wait longer than its
// caller does. Then the disk goes on.
func (h *history) releaseHeld(stop chan struct{}) {
	select {
	case <-h.plan.holding:
	case <-stop:
		return
	}
	limit := time.NewTimer(20 * time.Millisecond)
	defer limit.Stop()
	<-limit.C
	h.plan.heal()
}

// checkHalted: everything that stores or delivers says so, and why.
func (h *history) checkHalted(b *Buffer) {
	_, err := b.Append(h.t.Context(), crashEvent("later", 1))
	for what, err := range map[string]error{"Append": err, "Stats": b.Stats().Halted} {
		if !errors.Is(err, buffer.ErrHalted) || !errors.Is(err, h.plan.err) {
			h.t.Errorf("%v: %s: got %v, want ErrHalted with its cause", h.plan, what, err)
		}
	}
}

// load uses the buffer in all ways at once, and notes what is acknowledged.
func (h *history) load(b *Buffer, prefix string, events int) {
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	seed := h.rng.Uint64()
	var writers, others sync.WaitGroup
	turn := make(chan struct{}, 1)
	for w := range 4 {
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		writers.Go(func() { h.write(ctx, b, rng, fmt.Sprintf("%s-%d", prefix, w), events, turn) })
	}
	c := h.consumer(ctx, b)
	for w := range 2 {
		rng := rand.New(rand.NewPCG(seed, uint64(100+w)))
		others.Go(func() { h.settle(ctx, c, rng) })
	}
	others.Go(func() { h.look(ctx, b, turn) })
	writers.Wait()
	cancel()
	others.Wait()
	if c != nil {
		_ = c.Close()
	}
}

func (h *history) write(ctx context.Context, b *Buffer, rng *rand.Rand, prefix string, events int, turn chan<- struct{}) {
	for i := range events {
		id := fmt.Sprintf("%s-%d", prefix, i)
		e := crashEvent(id, 1+rng.IntN(3000))
		var r buffer.Receipt
		if h.within(ctx, "Append", func(ctx context.Context) (err error) { r, err = b.Append(ctx, e); return err }) == nil {
			h.told.note(func() { h.told.appended[id] = r.Position })
		}
		if i%10 == 9 {
			select {
			case turn <- struct{}{}:
			default:
			}
		}
	}
}

func (h *history) consumer(ctx context.Context, b *Buffer) (c buffer.Consumer) {
	_ = h.within(ctx, "Consumer", func(ctx context.Context) (err error) { c, err = b.Consumer(ctx, "h"); return err })
	return c
}

func (h *history) settle(ctx context.Context, c buffer.Consumer, rng *rand.Rand) {
	for c != nil && ctx.Err() == nil {
		var leases []buffer.Lease
		err := h.within(ctx, "Lease", func(ctx context.Context) (err error) {
			leases, err = c.Lease(ctx, buffer.Room{Events: 1 + rng.IntN(5)})
			return err
		})
		if errors.Is(err, buffer.ErrHalted) {
			return
		}
		for _, l := range leases {
			if want := crashEvent(l.Event.ID, len(l.Event.Body)); string(l.Event.Body) != string(want.Body) {
				h.t.Errorf("%v: event %d was handed out with a body that nobody sent", h.plan, l.Event.Position)
			}
		}
		if len(leases) == 0 {
			continue
		}
		_ = h.within(ctx, "Settle", func(ctx context.Context) error { return settleSome(ctx, c, h.told, leases, rng) })
	}
}

// look reads what an operator reads, and trims, whenever a writer has come some way.
func (h *history) look(ctx context.Context, b *Buffer, turn <-chan struct{}) {
	for {
		select {
		case <-turn:
		case <-ctx.Done():
			return
		}
		err := h.within(ctx, "Events", func(ctx context.Context) error {
			for e, err := range b.Events(ctx, buffer.Range{}) {
				if err != nil {
					return err
				}
				if want := crashEvent(e.ID, len(e.Body)); string(e.Body) != string(want.Body) {
					h.t.Errorf("%v: event %d reads as a body that nobody sent", h.plan, e.Position)
				}
			}
			return nil
		})
		_ = h.within(ctx, "trim", b.trim)
		b.checkHeadroom()
		b.Stats()
		if errors.Is(err, buffer.ErrHalted) {
			return
		}
	}
}

// within makes a call with as much time as a receiver might give it.
func (h *history) within(ctx context.Context, what string, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	return h.call(what, func() error { return f(ctx) })
}

// call makes a call and holds what it returns, and when, against what is promised.
func (h *history) call(what string, f func() error) error {
	begun := time.Now()
	err := f()
	took := time.Since(begun)
	h.calls.Add(1)
	for old := h.slowest.Load(); int64(took) > old; old = h.slowest.Load() {
		if h.slowest.CompareAndSwap(old, int64(took)) {
			break
		}
	}
	if took > callBound {
		h.t.Errorf("%v: %s took %v", h.plan, what, took)
	}
	known := []error{buffer.ErrHalted, buffer.ErrFull, buffer.ErrClosed, context.Canceled, context.DeadlineExceeded}
	if h.plan.err != nil {
		known = append(known, h.plan.err)
	}
	if err == nil || h.plan.flipped && (isDamage(err) || pebble.IsCorruptionError(err)) {
		return err
	}
	for _, k := range known {
		if errors.Is(err, k) {
			return err
		}
	}
	h.t.Errorf("%v: %s returned %v, which is of no known kind", h.plan, what, err)
	return err
}

// testLog writes the buffer's log to the test's.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}
