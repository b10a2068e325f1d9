package postgres

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// received is when the events of these tests were received; times in them are milliseconds from an hour before.
var (
	received = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	base     = received.Add(-time.Hour)
)

// reading is one signal of a test's event.
type reading struct {
	code string
	// value tells readings apart.
	value int
	// recorded and retrieved are milliseconds from base; 0 is none.
	recorded, retrieved int64
	status              string
}

func millis(after int64) int64 {
	if after == 0 {
		return 0
	}
	return base.UnixMilli() + after
}

// stateEvent is a VEHICLE_STATE received so many seconds after received.
func stateEvent(id string, second, sequence int, readings ...reading) *sdk.Event {
	var signals []string
	for _, r := range readings {
		status := r.status
		if status == "" {
			status = "SUCCESS"
		}
		signals = append(signals, fmt.Sprintf(`{"code":%q,"body":{"value":%d},"meta":{"oemUpdatedAt":%d,"retrievedAt":%d},"status":{"value":%q}}`,
			r.code, r.value, millis(r.recorded), millis(r.retrieved), status))
	}
	e := sdktest.Event(fmt.Appendf(nil, `{"eventId":%q,"eventType":"VEHICLE_STATE","data":{"vehicle":{"id":"v"},"signals":[%s]},"meta":{"sequence":%d}}`,
		id, strings.Join(signals, ","), sequence))
	e.ReceivedAt = received.Add(time.Duration(second) * time.Second)
	return e
}

const storedSignals = "select code || '=' || (body ->> 'value') from smartcar.signals order by code"

func TestTheNewestReadingStays(t *testing.T) {
	t.Parallel()
	const hours = 3_600_000
	tests := map[string]struct {
		events []*sdk.Event
		want   string
	}{
		"newer":     {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 11, 11, ""})}, "2"},
		"older":     {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 9, 99, ""})}, "1"},
		"equal":     {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 1, reading{"a", 2, 10, 10, ""})}, "1"},
		"retrieved": {[]*sdk.Event{stateEvent("1", 1, 9, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 1, reading{"a", 2, 10, 11, ""})}, "2"},
		"sequence":  {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 10, 10, ""})}, "2"},
		"no retrieval comes first": {[]*sdk.Event{
			stateEvent("1", 1, 9, reading{"a", 1, 10, 0, ""}), stateEvent("2", 2, 1, reading{"a", 2, 10, 11, ""})}, "2"},
		"no time never wins":     {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 0, 99, ""})}, "1"},
		"any time wins over it":  {[]*sdk.Event{stateEvent("1", 1, 9, reading{"a", 1, 0, 99, ""}), stateEvent("2", 2, 1, reading{"a", 2, 1, 1, ""})}, "2"},
		"none of two has one":    {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 0, 0, ""}), stateEvent("2", 2, 1, reading{"a", 2, 0, 0, ""})}, "2"},
		"none, and out of order": {[]*sdk.Event{stateEvent("2", 2, 1, reading{"a", 2, 0, 0, ""}), stateEvent("1", 1, 1, reading{"a", 1, 0, 0, ""})}, "2"},
		"after its retrieval":    {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 90_000, 20_000, ""})}, "1"},
		"clocks are apart":       {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 80_000, 20_000, ""})}, "2"},
		"in the future":          {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 2 * hours, 2 * hours, ""})}, "1"},
		"the future first":       {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 2 * hours, 2 * hours, ""}), stateEvent("2", 2, 2, reading{"a", 2, 10, 10, ""})}, "2"},
		"failed":                 {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 20, 20, "ERROR"})}, "1"},
		"unavailable":            {[]*sdk.Event{stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""}), stateEvent("2", 2, 2, reading{"a", 2, 20, 20, "UNAVAILABLE"})}, "1"},
	}
	dsn, conn := database(t)
	host := sdktest.Start(t, Plugin(), everything(dsn))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			exec(t, conn, "delete from smartcar.signals")
			for _, e := range tt.events {
				allDone(t, host.Handle(t.Context(), e))
			}
			if got := one(t, conn, storedSignals); got != "a="+tt.want {
				t.Errorf("%s after single events", got)
			}
			exec(t, conn, "delete from smartcar.signals")
			allDone(t, host.Handle(t.Context(), tt.events...))
			if got := one(t, conn, storedSignals); got != "a="+tt.want {
				t.Errorf("%s after a batch", got)
			}
		})
	}
}

// A time that was stored while a clock was wrong keeps nothing out.
func TestAStoredTimeInTheFutureIsReplaced(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	host := sdktest.Start(t, Plugin(), everything(dsn))
	allDone(t, host.Handle(t.Context(), stateEvent("1", 1, 1, reading{"a", 1, 10, 10, ""})))
	exec(t, conn, "update smartcar.signals set oem_updated_at = now() + interval '1 hour'")
	allDone(t, host.Handle(t.Context(), stateEvent("2", 2, 2, reading{"a", 2, 11, 11, ""})))
	if got := one(t, conn, storedSignals); got != "a=2" {
		t.Error(got)
	}
}

// modelled is what a model keeps of a signal, and when by the second its event was received.
type modelled struct {
	reading
	sequence, second int
}

// model is the rule for one signal after the other, in words of Go.
type model map[string]modelled

func (m model) take(e generated) {
	for _, r := range e.readings {
		if r.status != "" {
			continue
		}
		next := modelled{r, e.sequence, e.second}
		limit := int64(3600+e.second)*1000 + 60_000
		if r.recorded == 0 || r.recorded > limit || r.retrieved > limit || r.retrieved > 0 && r.recorded > r.retrieved+60_000 {
			next.recorded = 0
		}
		old, known := m[r.code]
		if !known || next.isNewer(old) {
			m[r.code] = next
		}
	}
}

func (next modelled) isNewer(old modelled) bool {
	switch {
	case next.recorded == 0 && old.recorded == 0:
		return next.second > old.second
	case next.recorded != old.recorded:
		return next.recorded > old.recorded
	case next.retrieved != old.retrieved:
		return next.retrieved > old.retrieved
	}
	return next.sequence > old.sequence
}

// generated is a random event.
type generated struct {
	second, sequence int
	readings         []reading
}

// Random histories with repetitions, late events and wrong clocks leave what the model says, however they are cut into
// batches.
func TestReadingsInAnyOrder(t *testing.T) {
	t.Parallel()
	dsn, conn := database(t)
	host := sdktest.Start(t, Plugin(), everything(dsn))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	times := []int64{0, 1, 2, 3, 4, 61_000, 70_000, 3_700_000, 7_200_000}
	for round := range 40 {
		exec(t, conn, "delete from smartcar.signals; delete from smartcar.events")
		want := model{}
		var history []*sdk.Event
		var all []generated
		for i := range 1 + r.IntN(25) {
			g := generated{second: r.IntN(100), sequence: r.IntN(3)}
			for range r.IntN(5) {
				g.readings = append(g.readings, reading{string(rune('a' + r.IntN(4))), round*1000 + i, times[r.IntN(len(times))], times[r.IntN(len(times))],
					[]string{"", "", "", "ERROR"}[r.IntN(4)]})
			}
			all = append(all, g)
			if r.IntN(4) == 0 {
				g = all[r.IntN(len(all))] // a repetition
			}
			want.take(g)
			e := stateEvent(fmt.Sprint(round, "-", i), g.second, g.sequence, g.readings...)
			e.Position = 7 // what orders them must be in the events
			history = append(history, e)
		}
		for rest := history; len(rest) > 0; {
			n := 1 + r.IntN(len(rest))
			allDone(t, host.Handle(t.Context(), rest[:n]...))
			rest = rest[n:]
		}
		wanted := []string{}
		for _, code := range []string{"a", "b", "c", "d"} {
			if m, ok := want[code]; ok {
				wanted = append(wanted, fmt.Sprintf("%s=%d", code, m.value))
			}
		}
		if diff := cmp.Diff(wanted, ask(t, conn, storedSignals)); diff != "" {
			var bodies bytes.Buffer
			for _, e := range history {
				fmt.Fprintf(&bodies, "%s %s\n", e.ReceivedAt, e.Payload)
			}
			t.Fatalf("round %d: %s\n%s", round, diff, &bodies)
		}
	}
}
