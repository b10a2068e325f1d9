package disk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// reopenRig is a buffer whose events are all settled by one consumer, every other one as a dead
// letter, and untouched by an orphan whose time is over.
type reopenRig struct {
	o       Options
	mem     *vfs.MemFS
	clock   *testClock
	letters map[uint64]buffer.DeadLetterID
}

const reopenEvents = 120

func newReopenRig(t *testing.T) (*reopenRig, *Buffer) {
	r := &reopenRig{mem: vfs.NewCrashableMem(), letters: map[uint64]buffer.DeadLetterID{}}
	var b *Buffer
	b, r.clock = openFor(t, Options{FS: r.mem, memTable: 256 << 10, Limits: Limits{Retention: hour}})
	r.o = b.opts
	live, gone := openConsumer(t, b, "live"), openConsumer(t, b, "gone")
	for i := range reopenEvents {
		appendTo(t, b, i+1, i+1)
		o := doneAll
		if i%2 == 0 {
			o = buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected}
		}
		settleN(t, live, 1, o)
	}
	settleN(t, gone, 5, buffer.Outcome{Verb: buffer.Defer, Lane: "l", Memo: memoOf("k", "v")})
	closeAll(t, live, gone)
	keepOnly(t, b, "live")
	for d, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		r.letters[d.Event.Position] = d.ID
	}
	r.clock.Advance(2 * hour)
	return r, b
}

// load reopens everything, a few at a time and with a memo each, while the orphan's events are trimmed. It
// notes what was acknowledged.
func (r *reopenRig) load(ctx context.Context, t *testing.T, b *Buffer, l *ledger, seed uint64, progress chan<- struct{}) {
	c := openConsumer(t, b, "live")
	var wg sync.WaitGroup
	for w := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, w))
			for p := w + 1; p <= reopenEvents && ctx.Err() == nil; p += 4 {
				o := buffer.Outcome{Verb: buffer.Reopen, Position: p, Letter: r.letters[p], Lane: "again", Memo: memoOf(fmt.Sprintf("first/%d", p), "x")}
				note := buffer.Outcome{Verb: buffer.PutMemo, Memo: memoOf(fmt.Sprintf("note/%d", p), "x")}
				// Without a letter it may have been trimmed before, and is then ignored.
				if c.Settle(ctx, o, note) == nil && o.Letter != "" {
					l.note(func() { l.deferred[p] = 1 })
				}
				if rng.IntN(8) == 0 {
					_ = b.trim(ctx)
				}
				select {
				case progress <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	wg.Wait()
}

// What is reopened, its letter, its copy and its memo come through a power cut together or not at all, also
// while the events themselves are trimmed.
func TestCrashReopensWholly(t *testing.T) {
	for round := range 12 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 9))
			r, b := newReopenRig(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l, progress, loaded := newLedger(), make(chan struct{}, reopenEvents), make(chan struct{})
			go func() {
				defer close(loaded)
				r.load(ctx, t, b, l, seed, progress)
			}()
			for range 1 + rng.IntN(reopenEvents-1) {
				<-progress
			}
			told := l.copied()
			r.o.FS = r.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(100), RNG: rng})
			cancel()
			<-loaded
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			r.verify(t, told)
		})
	}
}

func (r *reopenRig) verify(t *testing.T, told *ledger) {
	b, err := Open(t.Context(), r.o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := openConsumer(t, b, "live")
	deferred, letters := map[uint64]bool{}, map[uint64]bool{}
	leases, err := c.LeaseDeferred(t.Context(), "again", buffer.Room{Events: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases {
		deferred[l.Event.Position] = true
		if l.Event.ID != fmt.Sprint(l.Event.Position) || len(l.Event.Body) != 10000 {
			t.Errorf("event %d is %q with %d bytes", l.Event.Position, l.Event.ID, len(l.Event.Body))
		}
	}
	for d, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		letters[d.Event.Position] = true
	}
	for p := uint64(1); p <= reopenEvents; p++ {
		memo, err := c.Memo(t.Context(), fmt.Sprintf("first/%d", p))
		note, noteErr := c.Memo(t.Context(), fmt.Sprintf("note/%d", p))
		if err != nil || noteErr != nil {
			t.Fatal(err, noteErr)
		}
		if deferred[p] != (memo != nil) || memo != nil && note == nil {
			t.Errorf("event %d is reopened: %v, its memo %q, the note beside it %q", p, deferred[p], memo, note)
		}
		if r.letters[p] != "" && letters[p] == deferred[p] {
			t.Errorf("event %d is reopened: %v, its letter is there: %v", p, deferred[p], letters[p])
		}
		if told.deferred[p] != 0 && !deferred[p] {
			t.Errorf("event %d was reopened, which is lost", p)
		}
	}
	if s := b.Stats(); s.Corrupt != 0 || s.DeadLetters != uint64(len(letters)) {
		t.Errorf("got stats %+v", s)
	}
	m := trimModel{t: t, b: b, clock: r.clock, pending: map[string]map[uint64]bool{"live": nil, "gone": nil}}
	m.count()
	// An orphan is trimmed with all that is its own, or not at all.
	if _, there := m.info("gone"); !there {
		wantNoneOf(t, b, "gone")
	}
}
