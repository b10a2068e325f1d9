package pluginhost

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// misdeed is a way of misbehaving, and what is to come of it. bad:1 is the event that
// the plugin fails at, bad:2 comes behind it, and the other vehicles have no part in
// it.
type misdeed struct {
	name string
	plan plan
	// bad is what bad:1 tells the plugin to do.
	bad string
	// sent are its deliveries; reason and text tell of its dead letter, "" if it is
	// done after all; restarts are those of the process.
	sent     []string
	reason   buffer.Reason
	text     []string
	either   []string // one of them is in the text too
	restarts int
	skip     bool
}

func (m misdeed) run(t *testing.T) {
	if m.skip {
		t.Skip("not on this system")
	}
	t.Parallel()
	c := lay(t, m.plan, [2]string{"well:1", "x"}, [2]string{"bad:1", m.bad},
		[2]string{"other:1", "x"}, [2]string{"well:2", "x"}, [2]string{"bad:2", "x"})
	c.settled()

	if diff := cmp.Diff(m.sent, c.seen.sentOf("bad:1")); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	for _, id := range []string{"well:1", "other:1", "well:2", "bad:2"} {
		if !c.seen.isDone(id) {
			t.Errorf("%s is not done", id)
		}
	}
	c.wantFate("bad:1", m.reason, m.text...)
	if said := c.dead()["bad:1"].Retry.LastError; len(m.either) > 0 &&
		!slices.ContainsFunc(m.either, func(part string) bool { return strings.Contains(said, part) }) {
		t.Errorf("the dead letter lacks all of %q:\n%s", m.either, said)
	}
	c.end()
	if got := c.plugin.State().Restarts; got != m.restarts {
		t.Errorf("%d restarts, want %d", got, m.restarts)
	}
}

func inBatch(c *dispatch.Config) {
	c.Concurrency = 1
	c.Batch = dispatch.BatchPolicy{MaxEvents: 3, MaxWait: 50 * time.Millisecond}
}

// What comes of a plugin that misbehaves and stays; docs/handlers-file.md has it as
// a table.
func TestMisbehaviour(t *testing.T) {
	short := func(c *dispatch.Config) { c.Timeout = 500 * time.Millisecond }
	for _, m := range []misdeed{
		{name: "hangs", plan: plan{role: "fake", config: short}, bad: "hang",
			sent: []string{"bad:1#1", "bad:1#2"}, reason: buffer.ReasonExhausted, text: []string{"no answer within 500ms"}},
		{name: "answers after its timeout", plan: plan{role: "fake", config: short}, bad: "late-once",
			sent: []string{"bad:1#1", "bad:1#2"}},
		{name: "answers twice", plan: plan{role: "fake", quirks: []string{"twofold"}}, bad: "twice",
			sent: []string{"bad:1#1", "bad:1#2"}, reason: buffer.ReasonExhausted, text: []string{"cardinality violation"}},
		{name: "gives too few results", plan: plan{role: "fake", config: inBatch}, bad: "forget-once",
			sent: []string{"bad:1#1", "bad:1#2"}},
		{name: "always gives too few results", plan: plan{role: "fake"}, bad: "forget",
			sent: []string{"bad:1#1", "bad:1#2"}, reason: buffer.ReasonExhausted, text: []string{"the plugin gave 0 results for 1 events"}},
		{name: "gives too many results", plan: plan{role: "fake", config: inBatch}, bad: "surplus once",
			sent: []string{"bad:1#1", "bad:1#2"}},
		{name: "always gives too many results", plan: plan{role: "fake"}, bad: "surplus",
			sent: []string{"bad:1#1", "bad:1#2"}, reason: buffer.ReasonExhausted, text: []string{"the plugin gave 2 results for 1 events"}},
		{name: "panics under the sdk", plan: plan{role: "sdk"}, bad: "panic",
			sent: []string{"bad:1#1", "bad:1#2"}, reason: buffer.ReasonExhausted, text: []string{"panic: no such car"}},
		{name: "exits in the middle of a batch", plan: plan{role: "fake", config: inBatch}, bad: "crash-once " + filepath.Join(t.TempDir(), "crashed"),
			sent: []string{"bad:1#1", "bad:1#1"}, restarts: 1},
	} {
		t.Run(m.name, m.run)
	}
}

// wantFate: the only dead letter is that of the event, for a reason and with a text;
// without a reason there is none, and the event is done.
func (c *course) wantFate(id string, reason buffer.Reason, text ...string) {
	c.t.Helper()
	letters := c.dead()
	letter, isDead := letters[id]
	if reason == "" {
		if len(letters) > 0 || !c.seen.isDone(id) {
			c.t.Errorf("%s done: %v, dead letters %+v", id, c.seen.isDone(id), letters)
		}
		return
	}
	if !isDead || len(letters) != 1 || letter.Reason != reason {
		c.t.Fatalf("dead letters %+v, want one of %s with the reason %s", letters, id, reason)
	}
	for _, part := range text {
		if !strings.Contains(letter.Retry.LastError, part) {
			c.t.Errorf("the dead letter lacks %q:\n%s", part, letter.Retry.LastError)
		}
	}
}

// A vehicle whose event hangs holds up no other, also while it hangs.
func TestOthersFlowWhileOneHangs(t *testing.T) {
	c := lay(t, plan{role: "fake"}, [2]string{"bad:1", "hang"}, [2]string{"well:1", "x"}, [2]string{"bad:2", "x"}, [2]string{"well:2", "x"})
	c.until("the other vehicle's events are done", func() bool { return c.seen.isDone("well:1") && c.seen.isDone("well:2") })
	if c.seen.isDone("bad:2") || len(c.dead()) > 0 {
		t.Error("the hanging event was overtaken or given up")
	}

	// The host ends, with the call still under way: the event is not lost by that.
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_ = c.d.Stop(ctx)
	if err := c.plugin.Stop(ctx); err == nil {
		t.Error("Stop says that the hanging plugin has finished")
	}
	awaitEnd(t, c.look.seen(t))
	if err := c.consumer.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := c.store.Consumer(testContext(t), "h1")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	leases, err := again.Lease(testContext(t), buffer.Room{Events: 10})
	if err != nil || len(leases) != 2 || leases[0].Event.ID != "bad:1" || leases[1].Event.ID != "bad:2" {
		t.Errorf("after a restart there are %v, %v", leases, err)
	}
}
