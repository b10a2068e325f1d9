// Package buffertest is the suite that every buffer passes. An engine's test gives
// it a way to make fresh storage, and Run checks what package buffer promises.
package buffertest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Storage is where one test's buffer lives.
type Storage interface {
	// Open opens the buffer that the storage holds. It is called again after Close or Crash.
	Open(t testing.TB) buffer.Buffer
	// Crash ends the open buffer as a power cut would: what was not synced is lost. The
	// next Open finds what is left.
	Crash(t testing.TB)
	// Damage makes the stored event at a position unreadable, while the buffer is open or
	// not. It returns false if the engine has no way to do that.
	Damage(t testing.TB, position uint64) bool
}

// Settings are what an engine must use for a test's buffer.
type Settings struct {
	// Clock is the buffer's time.
	Clock func() time.Time
	// DedupeWindow and other limits are the engine's defaults, but this one is 7 days.
	DedupeWindow time.Duration
}

// New makes fresh storage.
type New func(t testing.TB, s Settings) Storage

// Run runs the suite.
func Run(t *testing.T, newStorage New) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, f *fixture)
	}{
		{"Append/stores every field", testFields},
		{"Append/keeps the trace", testTraceParent},
		{"Append/gives rising positions", testPositions},
		{"Append/does not keep the caller's body", testBodyCopied},
		{"Append/fails when ctx has ended", testAppendCtx},
		{"Append/stores 1000 in parallel with a tenth sent twice", testParallel},
		{"Dedupe/reports a stored duplicate", testDuplicate},
		{"Dedupe/tells a different event under the same id", testDiffers},
		{"Dedupe/keeps different events under the same id", testConflict},
		{"Dedupe/stores what can be read after what cannot", testReadableAfterUnreadable},
		{"Dedupe/keeps sources apart", testSources},
		{"Dedupe/stores one of many at once", testDuplicateAtOnce},
		{"Dedupe/forgets after the window", testWindow},
		{"Dedupe/holds after a crash", testDuplicateAfterCrash},
		{"Consumer/leases in append order", testOrder},
		{"Consumer/blocks until there is an event", testBlocks},
		{"Consumer/ends with ctx", testLeaseCtx},
		{"Consumer/is open once", testOpenOnce},
		{"Consumer/first starts with the oldest, later ones with the next", testStart},
		{"Consumer/the first ones start alike when created in one step", testStartTogether},
		{"Consumer/leases what there is room for", testRoom},
		{"Consumer/Close gives back", testCloseGivesBack},
		{"Consumer/Close ends Lease", testCloseEndsLease},
		{"Consumer/reports its state", testConsumerStats},
		{"Settle/out of order, over a reopen", testSettleOutOfOrder},
		{"Settle/ignores what is not leased", testSettleNotLeased},
		{"Settle/refuses an unknown verb", testSettleVerb},
		{"Settle/in parallel", testSettleParallel},
		{"Defer/lanes and retries", testDefer},
		{"Defer/again and done", testDeferAgain},
		{"Defer/over a crash", testDeferCrash},
		{"Dead/keeps a copy with its reason", testDead},
		{"Dead/takes unreadable events", testUnreadable},
		{"Crash/gives back leased events and nothing else", testCrash},
		{"Crash/keeps counting positions", testPositionsAfterCrash},
		{"Start/now, at the beginning, at a time", testStartWhere},
		{"Reopen/settled events come again in their lane", testReopen},
		{"Reopen/ignores what is open, unknown or gone", testReopenIgnored},
		{"Reopen/keeps the order of outcomes in a call", testReopenOrder},
		{"Reopen/takes a dead letter with it", testReopenLetter},
		{"Reopen/over a crash, with its memo", testReopenCrash},
		{"Memo/stored with outcomes, over a crash", testMemo},
		{"Memo/lists by prefix", testMemos},
		{"Memo/ignored with its outcome", testMemoIgnored},
		{"Memo/refuses a key that is too short or too long", testMemoKey},
		{"Memo/of many at once the last stays", testMemoParallel},
		{"Consumers/describes all", testConsumers},
		{"Consumers/pauses over a crash", testPause},
		{"Consumers/orphans those not kept", testKeep},
		{"Consumers/forgets", testForget},
		{"Consumers/goes back to those of before", testRestoreRoster},
		{"Consumers/goes back to none", testRestoreNone},
		{"Events/by range, both ways", testEvents},
		{"Events/goes over damage", testEventsDamage},
		{"Events/holds nothing while the caller has the turn", testEventsUnlocked},
		{"Events/finds one by position and by id", testEvent},
		{"Events/says where each consumer stands", testStates},
		{"Letters/pages", testLetterPages},
		{"Letters/since a time", testLettersSince},
		{"Letters/end", testLettersEnd},
		{"Letters/drops", testLetterDrop},
		{"Letters/refuses what is no id", testLetterBadID},
		{"Limits/are those in force, over a crash", testLimits},
		{"Alive/is noted, over a crash", testAlive},
		{"Damage/sets an event aside", testDamage},
		{"Damage/sets a deferred event aside", testDamageDeferred},
		{"Close/fails later calls", testClosed},
		{"Close/ends a blocked Lease", testCloseBuffer},
		{"Model/random calls and crashes", testModel},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
			s := newStorage(t, Settings{Clock: clock.Now, DedupeWindow: 7 * 24 * time.Hour})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			f := &fixture{t: t, ctx: ctx, storage: s, clock: clock}
			f.Buffer = s.Open(t)
			t.Cleanup(func() { _ = f.Close() })
			test.run(t, f)
		})
	}
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
