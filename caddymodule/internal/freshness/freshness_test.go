package freshness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// state is a VEHICLE_STATE with these signals, which are JSON, and sequence 5.
func state(signals ...string) string { return stateOf(5, signals...) }

func stateOf(sequence int, signals ...string) string {
	return fmt.Sprintf(`{"eventType":"VEHICLE_STATE","data":{"signals":[%s]},"meta":{"sequence":%d}}`, strings.Join(signals, ","), sequence)
}

var (
	// morning is 1763626500000, from which the tests count milliseconds.
	morning = time.UnixMilli(1763626500000)
	// noon is when events are received, and judged.
	noon = morning.Add(4 * time.Hour)
)

// signal has a reading that was recorded and retrieved so many milliseconds after morning; 0 is unknown.
func signal(code string, recorded, retrieved int64) string {
	return fmt.Sprintf(`{"code":%q,"body":{"value":1},"meta":{"oemUpdatedAt":%d,"retrievedAt":%d},"status":{"value":"SUCCESS"}}`,
		code, millis(recorded), millis(retrieved))
}

func millis(after int64) int64 {
	if after == 0 {
		return 0
	}
	return morning.UnixMilli() + after
}

// unavailable has a body from before, as one that failed may.
func unavailable(recorded int64) string {
	return strings.Replace(signal("a-b", recorded, recorded), "SUCCESS", "UNAVAILABLE", 1)
}

func read(t *testing.T, body string) Reading {
	t.Helper()
	r, ok := Read([]byte(body), noon)
	if !ok {
		t.Fatalf("nothing to judge in %s", body)
	}
	return r
}

const (
	failed     = `{"code":"a-b","status":{"value":"ERROR","error":{"type":"PERMISSION","code":null}}}`
	failedThen = `{"code":"a-b","meta":{"oemUpdatedAt":1763626500200,"retrievedAt":1763626500210},"status":{"value":"ERROR","error":{"type":"SERVER","code":"INTERNAL"}}}`
)

// The handler has finished the events before, in their order, and gets the event now.
func TestStale(t *testing.T) {
	seen := state(signal("a-b", 100, 110), signal("c-d", 100, 110))
	tests := []struct {
		name        string
		before      []string
		now         string
		live, again string // the stale codes: live, and in a replay
	}{
		{"nothing before", nil, seen, "", ""},
		{"newer", []string{seen}, state(signal("a-b", 101, 110), signal("c-d", 101, 110)), "", ""},
		{"older after newer", []string{seen}, state(signal("a-b", 99, 98), signal("c-d", 99, 98)), "a-b c-d", "a-b c-d"},
		{"older reading, retrieved and sent later", []string{seen}, stateOf(9, signal("a-b", 99, 500)), "a-b", "a-b"},
		{"the same event again", []string{seen}, seen, "a-b c-d", ""},
		{"only one is older", []string{seen}, state(signal("a-b", 99, 110), signal("c-d", 101, 110)), "a-b", "a-b"},
		{"equal times, later sequence", []string{seen}, stateOf(6, signal("a-b", 100, 110)), "", ""},
		{"equal times, earlier sequence", []string{seen}, stateOf(4, signal("a-b", 100, 110)), "a-b", "a-b"},
		{"equal times, no sequence", []string{seen}, `{"eventType":"VEHICLE_STATE","data":{"signals":[` + signal("a-b", 100, 110) + `]}}`, "a-b", "a-b"},
		{"recorded at once, retrieved later", []string{seen}, stateOf(4, signal("a-b", 100, 111)), "", ""},
		{"recorded at once, retrieved earlier", []string{seen}, stateOf(6, signal("a-b", 100, 109)), "a-b", "a-b"},
		{"recorded at once, nobody knows when retrieved", []string{seen}, stateOf(6, signal("a-b", 100, 0)), "a-b", "a-b"},
		{"fetchedAt is retrievedAt", []string{seen}, stateOf(4, `{"code":"a-b","meta":{"oemUpdatedAt":1763626500100,"fetchedAt":1763626500111}}`), "", ""},
		{"time of 0", []string{seen}, state(signal("a-b", 0, 500), signal("c-d", 99, 0)), "c-d", "c-d"},
		{"time of 0 leaves no trace", []string{seen, stateOf(9, signal("a-b", 0, 500))}, state(signal("a-b", 100, 110)), "a-b", ""},
		{"seconds are no milliseconds", []string{seen}, state(`{"code":"a-b","meta":{"oemUpdatedAt":1763626499}}`), "", ""},
		{"seconds leave no trace", []string{state(`{"code":"a-b","meta":{"oemUpdatedAt":1763626499}}`)}, state(signal("a-b", 100, 110)), "", ""},
		{"no time", []string{seen}, state(`{"code":"a-b","body":{"value":1}}`, `{"code":"c-d","meta":{"retrievedAt":1763626500001}}`), "", ""},
		{"failed, without meta", []string{seen}, state(failed), "", ""},
		{"failed, with a time", []string{seen}, state(failedThen), "", ""},
		{"all signals in ERROR leave no trace", []string{state(failed), state(failedThen)}, state(signal("a-b", 100, 110)), "", ""},
		{"a failure between does not make the reading stale", []string{seen, state(failedThen)}, state(signal("a-b", 150, 150)), "", ""},
		{"unavailable, with a time", []string{seen}, state(unavailable(90)), "", ""},
		{"unavailable leaves no trace", []string{seen, state(unavailable(200))}, state(signal("a-b", 150, 150)), "", ""},
		{"empty signals", []string{seen}, state(), "", ""},
		{"empty signals leave no trace", []string{state()}, seen, "", ""},
		{"a signal that is new", []string{seen}, state(signal("e-f", 1, 1)), "", ""},
		{"a signal that was left out once", []string{seen, state(signal("c-d", 200, 210))}, state(signal("a-b", 100, 110), signal("c-d", 100, 110)), "a-b c-d", "c-d"},
		{"the newest of all before counts", []string{state(signal("a-b", 300, 300)), seen}, state(signal("a-b", 200, 200)), "a-b", "a-b"},
		{"first delivery with what is known", []string{seen}, `{"eventType":"VEHICLE_STATE","data":{"signals":[` + signal("a-b", 100, 110) + `,` + signal("c-d", 101, 110) + `]},"triggers":[{"type":"FIRST_DELIVERY"}],"meta":{"sequence":5}}`, "a-b", ""},
		{"first delivery to a new handler", nil, `{"eventType":"VEHICLE_STATE","data":{"signals":[` + signal("a-b", 100, 110) + `],"triggers":[{"code":"FIRST_DELIVERY"}]}}`, "", ""},
		{"code from group and name", []string{state(signal("charge-ischarging", 100, 110))}, state(`{"group":"Charge","name":"IsCharging","meta":{"oemUpdatedAt":1763626500099}}`), "charge-ischarging", "charge-ischarging"},
		{"by name", []string{seen}, `{"eventType":"VEHICLE_STATE","data":{"signals":{"a-b":{"body":1,"meta":{"oemUpdatedAt":1763626500099}},"c-d":{"value":1}}}}`, "a-b", "a-b"},
		{"times as strings", []string{seen}, state(`{"code":"a-b","meta":{"oemUpdatedAt":"1763626500099"}}`, `{"code":"c-d","meta":{"oemUpdatedAt":"2025-11-20T08:15:00.099Z"}}`), "a-b c-d", "a-b c-d"},
		{"times with a fraction", []string{seen}, state(`{"code":"a-b","meta":{"oemUpdatedAt":1763626500099.9}}`, `{"code":"c-d","meta":{"oemUpdatedAt":1763626500101.0}}`), "a-b", "a-b"},
		{"twice in one event, one of them newer", []string{seen}, state(signal("a-b", 99, 1), signal("a-b", 101, 1)), "", ""},
		{"twice in one event, both older", []string{seen}, state(signal("a-b", 99, 1), signal("a-b", 98, 1)), "a-b", "a-b"},
		{"twice in one event, one of them without a time", []string{seen}, state(signal("a-b", 99, 1), signal("a-b", 0, 1)), "", ""},
		{"sorted", []string{seen}, state(signal("c-d", 9, 1), signal("a-b", 9, 1)), "a-b c-d", "a-b c-d"},
		{"sequence as a string", []string{seen}, `{"eventType":"VEHICLE_STATE","data":{"signals":[` + signal("a-b", 100, 110) + `]},"meta":{"sequence":"6"}}`, "", ""},
		{"no code", []string{state(signal("", 100, 110))}, state(signal("", 99, 98)), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := &Table{}
			for _, body := range tt.before {
				table.Merge(read(t, body), noon)
			}
			now := read(t, tt.now)
			if got := strings.Join(table.Stale(now, false, noon), " "); got != tt.live {
				t.Errorf("live %q, want %q", got, tt.live)
			}
			if got := strings.Join(table.Stale(now, true, noon), " "); got != tt.again {
				t.Errorf("in a replay %q, want %q", got, tt.again)
			}
			// What was written and read again judges the same.
			stored, err := Decode(table.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(stored.Stale(now, false, noon), " "); got != tt.live {
				t.Errorf("stored %q, want %q", got, tt.live)
			}
		})
	}
}

func TestReadFindsNothingToJudge(t *testing.T) {
	for name, body := range map[string]string{
		"an error event": string(smartcar.Sample{}.VehicleError()),
		"a verify":       string(smartcar.Sample{}.Verify("Qx7mT2vLp9Rk4ZsA")),
		"version 2":      `{"version":"2.0","eventName":"eventBased","payload":{"eventId":"e","vehicleId":"v"}}`,
		"unknown type":   `{"eventType":"VEHICLE_GONE","data":{"signals":[` + signal("a-b", 1, 1) + `]}}`,
		"no JSON":        `{"eventType":"VEHICLE_STATE","data":{"signals":[}}`,
		"empty":          ``,
	} {
		t.Run(name, func(t *testing.T) {
			if r, ok := Read([]byte(body), noon); ok {
				t.Errorf("read %+v", r)
			}
		})
	}
}

func TestReadOfTheVector(t *testing.T) {
	raw, err := os.ReadFile("../../../sdk/smartcar/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Name, Body string }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, v := range vectors {
		r, ok := Read([]byte(v.Body), noon)
		if ok != strings.HasPrefix(v.Name, "own-state-body") && v.Name != "raw-spaced" && v.Name != "raw-spaced-reserialised" {
			t.Errorf("%s: %t", v.Name, ok)
		}
		if v.Name != "own-state-body" {
			continue
		}
		found = true
		table := &Table{}
		if !table.Merge(r, noon) || table.Merge(r, noon) {
			t.Error("Merge does not tell whether something changed")
		}
		// The VIN has no time, and the last signal failed.
		want := []entry{
			{"charge-ischarging", age{1763626501000, 1763626509874, 1763626509990}},
			{"location-preciselocation", age{1763622000000, 1763626509001, 1763626509990}},
			{"tractionbattery-stateofcharge", age{1763626501000, 1763626509874, 1763626509990}},
		}
		if diff := cmp.Diff(want, table.entries, cmp.AllowUnexported(entry{}, age{})); diff != "" {
			t.Error(diff)
		}
	}
	if !found {
		t.Error("the vector is not there")
	}
}

func TestCut(t *testing.T) {
	body := smartcar.Sample{RecordedAt: morning}.VehicleState()
	before := bytes.Clone(body)
	r := read(t, string(body))
	table := &Table{}
	table.Merge(r, noon)
	codes := table.Stale(r, false, noon)
	want := []string{"charge-ischarging", "odometer-traveleddistance", "tractionbattery-stateofcharge"}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Fatal(diff)
	}
	cut, left := Cut(body, r, codes)
	// The one of unknown age and the one that failed.
	if left != 2 {
		t.Errorf("%d left", left)
	}
	from := bytes.Index(body, []byte(`{"code":"tractionbattery-stateofcharge"`))
	to := bytes.Index(body, []byte(`{"code":"vehicleidentification-nickname"`))
	if want := string(body[:from]) + string(body[to:]); string(cut) != want {
		t.Errorf("got  %s\nwant %s", cut, want)
	}
	if e, err := smartcar.ParseEvent(cut); err != nil || len(e.Signals) != 2 || e.SignalCount != 5 {
		t.Errorf("%+v, %v", e, err)
	}
	if !bytes.Equal(before, body) {
		t.Error("the body was changed")
	}
	if cut, left := Cut(body, r, nil); left != 5 || !bytes.Equal(cut, body) || &cut[0] == &body[0] {
		t.Errorf("%d left, or not a copy of its own", left)
	}
}

func BenchmarkRead(b *testing.B) {
	body := []byte(state(manySignals(12)...))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Read(body, noon); !ok {
			b.Fatal("nothing to judge")
		}
	}
}

// manySignals makes up to 90 signals, spread over those that are documented.
func manySignals(n int) []string {
	all := make([]string, 0, n)
	for i := range n {
		all = append(all, signal(smartcar.Signals()[i*90/n].Code, 1000+int64(i), 9874))
	}
	return all
}

func BenchmarkStale(b *testing.B) {
	for _, n := range []int{12, 90} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, _ := Read([]byte(stateOf(7, manySignals(n)...)), noon)
			older, _ := Read([]byte(stateOf(6, manySignals(n)...)), noon)
			table := &Table{}
			table.Merge(older, noon)
			b.ReportAllocs()
			for b.Loop() {
				if table.Stale(r, false, noon) != nil {
					b.Fatal("stale")
				}
			}
		})
	}
}
