package dispatch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

// With 100,000 events of one vehicle in front of all others, which it takes the handler
// hours to deliver, the others have to come within seconds.
func TestLongLaneStarvesNobody(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		hot := 100_000
		if testing.Short() {
			hot = 10_000
		}
		for i := range hot {
			r.add(fmt.Sprintf("hot:%d", i))
		}
		var others []string
		for i := range 40 {
			id := fmt.Sprintf("v%d:1", i)
			r.add(id)
			others = append(others, id)
		}
		r.h.slow = func(id string) time.Duration {
			if strings.HasPrefix(id, "hot") {
				return 100 * time.Millisecond
			}
			return 0
		}
		r.start()
		r.after(10 * time.Second)
		s := r.d.Stats()
		var got []string
		for _, id := range r.h.sequence() {
			if !strings.HasPrefix(id, "hot") {
				got = append(got, id)
			}
		}
		slices.Sort(got)
		slices.Sort(others)
		if !slices.Equal(got, others) {
			t.Errorf("after 10s %d of %d events of other vehicles were delivered", len(got), len(others))
		}
		if s.InMemory > 64 || s.Unsettled > 4096 || s.WaitingLanes != 1 {
			t.Errorf("stats %+v", s)
		}
		checkLaneOrder(t, r.h.sequence())
		r.stop()
	})
}

// checkLaneOrder wants the numbers of each lane to go up.
func checkLaneOrder(t *testing.T, ids []string) {
	t.Helper()
	last := map[string]int{}
	for _, id := range ids {
		lane, number, _ := strings.Cut(id, ":")
		var n int
		fmt.Sscan(number, &n)
		if before, ok := last[lane]; ok && n <= before {
			t.Fatalf("%s came after %s:%d", id, lane, before)
		}
		last[lane] = n
	}
}

// A restart while a lane's tail is on disk and its head is not must not let the tail go
// first.
func TestRestartKeepsTheOrderOfSpilledLanes(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Concurrency = 2
		for i := range 400 {
			r.add(fmt.Sprintf("hot:%d", i))
		}
		r.add("a:1", "b:1")
		r.h.slow = func(_ string) time.Duration { return 100 * time.Millisecond }
		r.start()
		r.after(550 * time.Millisecond)
		if s := r.d.Stats(); s.WaitingLanes != 1 || r.consumer.Stats().Deferred == 0 {
			t.Errorf("nothing has spilled: %+v", s)
		}
		for range 5 {
			r.stop()
			r.start()
			r.after(1050 * time.Millisecond)
		}
		r.after(time.Minute)
		if n := len(r.h.sequence()); n != 402 {
			t.Errorf("%d deliveries, want each event once", n)
		}
		checkLaneOrder(t, r.h.sequence())
		if s := r.d.Stats(); s.WaitingLanes != 0 || s.InMemory != 0 {
			t.Errorf("stats at rest %+v", s)
		}
		r.stop()
	})
}

// One event that is with the handler for an hour must not keep the buffer from leasing
// others, however many.
func TestLongCallHoldsUpNobody(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Timeout = time.Hour
		release := make(chan struct{})
		r.h.on("slow:1", reply{Result: dispatch.Result{Status: dispatch.Done}, wait: release})
		r.h.on("slow:2", retry("x"))
		r.add("slow:1", "slow:2", "slow:3")
		r.start()
		r.after(10 * time.Second)
		r.wantDeliveries("slow:1#1")
		const n = 9000 // the disk buffer remembers 8192 beyond one that is open
		for i := range n {
			r.add(fmt.Sprintf("v%d:%d", i%50, i))
		}
		r.add("slow:4")
		r.after(time.Second)
		if got := r.h.take(); len(got) != n {
			t.Errorf("%d of %d other events were delivered", len(got), n)
		}
		if s := r.d.Stats(); s.InFlight != 1 || s.InMemory != 0 {
			t.Errorf("stats %+v", s)
		}
		close(release)
		r.wantDeliveries("slow:2#1")
		r.after(2 * time.Second)
		r.wantDeliveries("slow:2#2", "slow:3#1", "slow:4#1")
		if s := r.d.Stats(); s.WaitingLanes != 0 || s.InMemory != 0 {
			t.Errorf("stats at rest %+v", s)
		}
		r.stop()
	})
}

// What a long call answers while the dispatcher stops is not forgotten.
func TestStopKeepsTheAnswerOfALongCall(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		r.cfg.Timeout = time.Hour
		r.h.slow = func(_ string) time.Duration { return 30 * time.Second }
		r.add("a:1", "a:2")
		r.start()
		r.after(10 * time.Second)
		r.stop()
		r.h.slow = nil
		r.start()
		defer r.stop()
		r.wantDeliveries("a:1#1", "a:2#1")
	})
}
