package dispatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
)

// ahead is a time that a wrong clock of a car shows: the year 2038, as stateOf counts.
const ahead = "1200798847000"

// A car whose clock was wrong once must not have its true readings taken for stale, in
// this life or in a later one.
func TestFutureTimeMakesNothingStale(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Stale = freshness.Drop
		r.start()
		r.addState("a:1", "soc 100 odo 100")
		r.addState("a:2", "soc "+ahead+" odo 90")
		r.wantStale("a:2", "odo")
		r.addState("a:3", "soc 110 odo "+ahead)
		r.wantStale("a:3", "")
		r.addState("a:4", "soc 105 odo 110")
		r.wantStale("a:4", "soc")
		if s := r.d.Stats(); s.Future != 2 || s.Stale != 2 || s.Skipped != 0 {
			t.Errorf("stats %+v", s)
		}
		r.stop()
		r.start()
		r.addState("a:5", "soc 120 odo 120")
		r.wantStale("a:5", "")
		r.stop()
	})
}

// What an earlier version noted of a wrong clock ends with the next true reading.
func TestNotedFutureEnds(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Stale = freshness.Drop
		r.start()
		future := time.UnixMilli(millis(ahead))
		wrong, ok := freshness.Read(stateOf("soc "+ahead), future)
		noted := &freshness.Table{}
		if !ok || !noted.Merge(wrong, future) {
			t.Fatal("nothing to note")
		}
		err := r.consumer.Settle(context.Background(), buffer.Outcome{
			Verb: buffer.PutMemo, Memo: &buffer.Memo{Key: "fresh//a", Value: noted.Append(nil)},
		})
		if err != nil {
			t.Fatal(err)
		}
		r.addState("a:1", "soc 100")
		r.wantStale("a:1", "")
		r.stop()
		r.start() // the true reading was written over it
		r.addState("a:2", "soc 90 odo 1")
		r.wantStale("a:2", "soc")
		r.stop()
	})
}
