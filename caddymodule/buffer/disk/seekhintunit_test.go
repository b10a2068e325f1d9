package disk

import (
	"fmt"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// laneOfOne returns a consumer with event 3 of 5 in lane l and the others settled.
func laneOfOne(t *testing.T) (*Buffer, *Consumer) {
	t.Helper()
	b, _ := openFor(t, Options{})
	c := openConsumer(t, b, "h").(*Consumer)
	appendTo(t, b, 1, 5)
	settleN(t, c, 5, doneAll)
	reopenAt(t, c, 3)
	return b, c
}

func reopenAt(t *testing.T, c *Consumer, position uint64) {
	t.Helper()
	if err := c.Settle(t.Context(), buffer.Outcome{Verb: buffer.Reopen, Position: position, Lane: "l"}); err != nil {
		t.Error(err)
	}
}

// lookAt looks at lane l and gives back what it finds.
func lookAt(t *testing.T, c *Consumer) (positions []uint64) {
	t.Helper()
	leases, err := c.LeaseDeferred(t.Context(), "l", buffer.Room{Events: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases {
		positions = append(positions, l.Event.Position)
	}
	c.giveBack(leases)
	return positions
}

// A look-up while something lower is on its way to the disk does not hide it from the next.
func TestSeekHintStaysBelowWhatArrives(t *testing.T) {
	for _, test := range []struct {
		name   string
		forget bool
	}{{"with a seek hint", false}, {"with a new seek hint", true}} {
		t.Run(test.name, func(t *testing.T) {
			b, c := laneOfOne(t)
			lookAt(t, c)
			staging, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
			held := make(chan error, 1)
			go func() {
				held <- b.change(t.Context(), func(*group) error {
					close(staging)
					<-release
					return nil
				})
			}()
			<-staging
			go func() {
				defer close(done)
				reopenAt(t, c, 1)
			}()
			await(t, hour, "the reopening is on its way", func() bool {
				c.st.mu.Lock()
				defer c.st.mu.Unlock()
				return c.st.settling > 0
			})
			if test.forget {
				c.st.mu.Lock()
				delete(c.st.hints.lanes, "l")
				c.st.mu.Unlock()
			}
			if got := fmt.Sprint(lookAt(t, c)); got != "[3]" {
				t.Errorf("got %s while 1 is on its way", got)
			}
			if up, err := c.st.settledUpTo(b.db, 1, 0); err != nil || up != 2 {
				t.Errorf("got %d, %v", up, err)
			}
			close(release)
			<-done
			if err := <-held; err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(lookAt(t, c)); got != "[1 3]" {
				t.Fatalf("got %s", got)
			}
			if up, err := c.st.settledUpTo(b.db, 1, 0); err != nil || up != 0 {
				t.Fatalf("got %d, %v", up, err)
			}
		})
	}
}

// What comes, or is on its way, while a seek hint is searched for counts, although the search may not have seen it.
func TestSeekHintCountsWhatCameMeanwhile(t *testing.T) {
	b, c := laneOfOne(t)
	o := buffer.Outcome{Verb: buffer.Reopen, Position: 2, Lane: "l"}
	fs := newSeekHints()
	fs.arrive(&o)
	f := fs.lane("l")
	fs.arrived(&o)
	other := fs.lane("other")
	fs.arrive(&buffer.Outcome{Verb: buffer.Defer, Position: 1, Lane: "other"})
	for _, test := range []struct {
		name string
		f    *seekHint
		want uint64
	}{{"on its way before", f, 2}, {"comes meanwhile", other, 1}, {"nothing", &seekHint{from: format.MaxPosition}, 3}} {
		err := b.use(func(db *store.DB) error {
			return c.st.learn(db, format.LanePrefix("h", "l"), 0, func() *seekHint { return test.f })
		})
		if err != nil || test.f.start() != test.want {
			t.Errorf("%s: the seek hint is %d (%v), want %d", test.name, test.f.start(), err, test.want)
		}
	}
}

// Outcomes that never get to the committer do not arrive for ever.
func TestSeekHintsAfterUnclaim(t *testing.T) {
	_, c := laneOfOne(t)
	items, err := c.claim([]buffer.Outcome{{Verb: buffer.Reopen, Position: 1, Lane: "l"}, {Verb: buffer.Reopen, Position: 2, Lane: "l"}})
	if err != nil || len(items) != 2 {
		t.Fatalf("got %d items, %v", len(items), err)
	}
	c.st.unclaim(items)
	if n := len(c.st.hints.arriving) + c.st.hints.arrivals.count; n > 0 {
		t.Fatalf("%d are still taken for arriving", n)
	}
}

// A trim that is planned, and fails, must not hide what it would have taken.
func TestSeekHintAfterATrimThatFails(t *testing.T) {
	b, c := laneOfOne(t)
	for _, step := range []struct{ trimmed, want uint64 }{{3, 5}, {0, 2}} {
		if up, err := c.st.settledUpTo(b.db, 1, step.trimmed); err != nil || up != step.want {
			t.Fatalf("with all up to %d gone, all is settled up to %d (%v), want %d", step.trimmed, up, err, step.want)
		}
	}
}
