package freshness

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	minute = 60_000
	hour   = 60 * minute
	// never is the last second that fits into 32 bits, which clocks without a time show.
	never = 2147483647000
)

// delivered is a VEHICLE_STATE that was delivered so many milliseconds after morning.
func delivered(at int64, signals ...string) string {
	return strings.Replace(state(signals...), `"meta":{"sequence"`, fmt.Sprintf(`"meta":{"deliveredAt":%d,"sequence"`, millis(at)), 1)
}

// exactly is a reading with those times as they are.
func exactly(code string, recorded, retrieved int64) string {
	return fmt.Sprintf(`{"code":%q,"body":{"value":1},"meta":{"oemUpdatedAt":%d,"retrievedAt":%d}}`, code, recorded, retrieved)
}

func TestFuture(t *testing.T) {
	next := state(signal("a-b", 100, 110))
	tests := []struct {
		name   string
		event  string
		future int
	}{
		{"five minutes ahead of its retrieval", state(signal("a-b", 5*minute, 100)), 1},
		{"a clock without a time", state(exactly("a-b", never, millis(100))), 1},
		{"both times from a clock without a time", state(exactly("a-b", never, never)), 1},
		{"ahead of the receiving", state(signal("a-b", 4*hour+2*minute, 0)), 1},
		{"retrieved ahead of the receiving", state(signal("a-b", 100, 4*hour+2*minute)), 1},
		{"ahead of the delivery", delivered(1, signal("a-b", 2*minute, 0)), 1},
		{"retrieved ahead of the delivery", delivered(1, signal("a-b", 1, 2*minute)), 1},
		{"ahead of the delivery, a date", `{"eventType":"VEHICLE_STATE","data":{"signals":[` + signal("a-b", 2*minute, 0) + `]},"meta":{"deliveredAt":"2025-11-20T08:15:00.000Z"}}`, 1},
		{"just more than clocks are apart", state(signal("a-b", minute+101, 100)), 1},
		{"two of three", state(signal("a-b", 5*minute, 100), signal("c-d", 1, 1), signal("e-f", 5*minute, 100)), 2},
		{"as much as clocks are apart", state(signal("a-b", minute+100, 100)), 0},
		{"retrieval in seconds limits nothing", state(exactly("a-b", millis(200), 1763626500)), 0},
		{"delivery in seconds limits nothing", strings.Replace(delivered(1, signal("a-b", 200, 210)), "1763626500001", "1763626500", 1), 0},
		{"failed, with a time in the future", state(strings.Replace(exactly("a-b", never, never), `"meta"`, `"status":{"value":"ERROR"},"meta"`, 1)), 0},
		{"no code", state(exactly("", never, never)), 0},
		{"no time", state(exactly("a-b", 0, never)), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := read(t, tt.event)
			if got := r.Future(); got != tt.future {
				t.Errorf("%d in the future, want %d", got, tt.future)
			}
			if tt.future == 0 {
				return
			}
			// Not noted: the next real reading is new.
			table := &Table{}
			table.Merge(r, noon)
			if got := table.Stale(read(t, next), false, noon); got != nil {
				t.Errorf("the reading after it: stale %q", got)
			}
			// Not judged, however new what is noted is.
			newest := &Table{}
			newest.Merge(read(t, state(signal("a-b", 3*hour, 3*hour))), noon)
			for _, replay := range []bool{false, true} {
				if got := newest.Stale(r, replay, noon); got != nil {
					t.Errorf("in a replay %t: stale %q", replay, got)
				}
			}
			if newest.Merge(r, noon) && tt.future == 1 {
				t.Error("it was noted")
			}
		})
	}
}

// An earlier version noted such times. They must not hold until they come.
func TestNotedFutureDoesNotHold(t *testing.T) {
	stored := func(recorded, retrieved int64) *Table {
		b := (&Table{entries: []entry{{"a-b", age{recorded: recorded, retrieved: retrieved}}}}).Append(nil)
		table, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	for name, table := range map[string]*Table{
		"recorded":  stored(never, 0),
		"retrieved": stored(millis(200), never),
		"by little": stored(noon.Add(2*time.Minute).UnixMilli(), 0),
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, state(signal("a-b", 100, 110)))
			for _, replay := range []bool{false, true} {
				if got := table.Stale(r, replay, noon); got != nil {
					t.Errorf("in a replay %t: stale %q", replay, got)
				}
			}
			if !table.Merge(r, noon) {
				t.Fatal("it was not written over")
			}
			if got := table.Stale(read(t, state(signal("a-b", 99, 110))), false, noon); len(got) != 1 {
				t.Error("what was written over it does not count")
			}
		})
	}
	// An event that waited for a retry, or is replayed, was received before what is noted.
	table := &Table{}
	table.Merge(read(t, state(signal("a-b", 3*hour, 3*hour))), noon)
	early, _ := Read([]byte(state(signal("a-b", 100, 110))), morning.Add(time.Second))
	for _, replay := range []bool{false, true} {
		if got := table.Stale(early, replay, noon); len(got) != 1 {
			t.Errorf("received early, in a replay %t: stale %q", replay, got)
		}
	}
	if table.Merge(early, noon) {
		t.Error("an event that was received early wrote over a newer one")
	}
	// Nor does it count as nothing when the clock is set back.
	if got := table.Stale(read(t, state(signal("a-b", 100, 110))), false, morning); len(got) != 1 {
		t.Errorf("with the clock set back: stale %q", got)
	}
}

func TestNobodyKnowsWhenItWasReceived(t *testing.T) {
	r, ok := Read([]byte(state(exactly("a-b", millis(100), 0))), time.Time{})
	if !ok || r.Future() != 0 {
		t.Errorf("%t, %d in the future", ok, r.Future())
	}
}
