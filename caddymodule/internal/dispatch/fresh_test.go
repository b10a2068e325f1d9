package dispatch_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/freshness"
)

// stateOf is a body with signals that were recorded so many milliseconds after the bubble's clock began: "soc 100 odo 90".
func stateOf(signals string) []byte {
	var all []string
	fields := strings.Fields(signals)
	for i := 0; i+1 < len(fields); i += 2 {
		all = append(all, fmt.Sprintf(`{"code":%q,"body":{"value":1},"meta":{"oemUpdatedAt":%d},"status":{"value":"SUCCESS"}}`, fields[i], millis(fields[i+1])))
	}
	return []byte(`{"eventType":"VEHICLE_STATE","data":{"signals":[` + strings.Join(all, ",") + `]},"meta":{}}`)
}

// millis is such a time as Smartcar writes it.
func millis(after string) int64 {
	ms, err := strconv.ParseInt(after, 10, 64)
	if err != nil {
		panic(err)
	}
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() + ms
}

// addState appends an event with signals.
func (r *rig) addState(id, signals string) {
	r.t.Helper()
	lane, _, _ := strings.Cut(id, ":")
	if _, err := r.store.Append(context.Background(), &buffer.Event{
		ID: id, VehicleID: lane, Type: "VEHICLE_STATE", Signature: "of the whole", Body: stateOf(signals),
		ReceivedAt: time.Now(),
	}); err != nil {
		r.t.Fatalf("append: %v", err)
	}
	synctest.Wait()
}

func (r *rig) wantStale(id, want string) {
	r.t.Helper()
	synctest.Wait()
	d, ok := r.h.latest(id)
	if !ok {
		r.t.Errorf("%s was not delivered", id)
	}
	if got := strings.Join(d.Stale, " "); got != want {
		r.t.Errorf("%s: stale %q, want %q", id, got, want)
	}
}

func TestStaleSignalsAreMarked(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Stale = freshness.Mark
		r.start()
		r.addState("a:1", "soc 100 odo 100")
		r.addState("a:2", "soc 90 odo 110")
		r.addState("b:2", "soc 90 odo 90")
		r.wantStale("a:1", "")
		r.wantStale("a:2", "soc")
		r.wantStale("b:2", "")
		if d, _ := r.h.latest("a:2"); d.Event.Signature == "" || string(d.Event.Body) != string(stateOf("soc 90 odo 110")) {
			t.Errorf("marking changed the event: %+v", d.Event)
		}
		// What the handler did not finish makes nothing stale.
		r.h.on("a:3", reply{Result: dispatch.Result{Status: dispatch.Reject}})
		r.addState("a:3", "soc 500 odo 500")
		r.addState("a:4", "soc 100 odo 120")
		r.wantStale("a:4", "soc")
		r.stop()
		r.start() // the table is durable
		r.addState("a:5", "soc 101 odo 115")
		r.wantStale("a:5", "odo")
		// In a replay the newest reading is not stale, and nothing is learnt of it.
		r.reopen("a:5", "a:4")
		r.wantStale("a:4", "soc")
		r.wantStale("a:5", "odo")
		r.addState("a:6", "soc 101 odo 121")
		r.wantStale("a:6", "soc")
		if s := r.d.Stats(); s.Stale != 4 { // of this run
			t.Errorf("stats %+v", s)
		}
		r.stop()
	})
}

func TestStaleSignalsAreDropped(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Stale = freshness.Drop
		r.start()
		r.addState("a:1", "soc 100 odo 100")
		r.addState("a:2", "soc 90 odo 110")
		r.wantStale("a:2", "soc")
		d, _ := r.h.latest("a:2")
		if diff := cmp.Diff(string(stateOf("odo 110")), string(d.Event.Body)); diff != "" || d.Event.Signature != "" {
			t.Errorf("signature %q, body (-want +got):\n%s", d.Event.Signature, diff)
		}
		r.h.take()
		r.addState("a:3", "soc 90 odo 90")
		r.addState("a:4", "soc 101")
		r.wantDeliveries("a:4#1") // nothing is left of a:3
		if s := r.d.Stats(); s.Skipped != 1 || s.Stale != 3 || s.Delivered != 3 {
			t.Errorf("stats %+v", s)
		}
		r.stop()
	})
}

// A crash that repeats an event must not make it stale.
func TestRepeatedEventIsNotStale(t *testing.T) {
	onEachStore(t, func(_ *testing.T, r *rig) {
		r.cfg.Stale = freshness.Drop
		f := &failing{}
		r.wrap = func(c buffer.Consumer) buffer.Consumer { f.Consumer = c; return f }
		f.err.Store(&buffer.ErrClosed)
		r.start()
		r.addState("a:1", "soc 100")
		r.wantDeliveries("a:1#1")
		_ = r.d.Stop(context.Background())
		r.consumer.Close()
		f.err.Store(nil)
		r.start()
		r.wantDeliveries("a:1#1")
		r.wantStale("a:1", "")
		r.stop()
	})
}

// With more signals than stay in memory, no vehicle is forgotten.
func TestTablesAreBounded(t *testing.T) {
	onEachStore(t, func(t *testing.T, r *rig) {
		r.cfg.Stale = freshness.Mark
		r.cfg.Order = dispatch.OrderNone // events of a vehicle side by side
		r.start()
		const n, codes = 1000, 400
		var signals []string
		for i := range codes {
			signals = append(signals, fmt.Sprintf("signal%03d 100", i))
		}
		all := strings.Join(signals, " ")
		for i := range n {
			r.addState(fmt.Sprintf("v%d:1", i), all)
		}
		if s := r.d.Stats(); s.Tables < 300 || s.Tables > 700 {
			t.Errorf("%d vehicles in memory", s.Tables)
		}
		for i := range n {
			r.addState(fmt.Sprintf("v%d:2", i), "signal007 100")
			if i%100 == 0 {
				r.wantStale(fmt.Sprintf("v%d:2", i), "signal007")
			}
		}
		if s := r.d.Stats(); s.Stale != n || s.Tables > 700 {
			t.Errorf("stats %+v", s)
		}
		r.stop()
	})
}
