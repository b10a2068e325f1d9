package vehicles

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var unexported = cmp.AllowUnexported(record{}, heard{}, fault{}, moment{})

// randomRecord is of one event.
func randomRecord(r *rand.Rand) record {
	var rec record
	m := moment{1 + r.Int64N(50), 1 + r.Uint64N(50)}
	rec.last[r.IntN(int(classes))] = m.at
	rec.reading = r.Int64N(50)
	for range r.IntN(3) {
		f := fault{typ: []string{"A", "B"}[r.IntN(2)], code: []string{"", "X"}[r.IntN(2)]}
		if r.IntN(3) == 0 {
			f.resolved = m
		} else {
			f.last, f.since, f.resolution = m, m, []string{"", "REAUTHENTICATE"}[m.position%2]
		}
		rec.addFault(&f)
	}
	return rec
}

// Records that are merged in another order, in other groups, and more than once, say the same: when what was last heard,
// and which errors are open.
func TestMergesInAnyOrder(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		var events []record
		for range 1 + r.IntN(8) {
			events = append(events, randomRecord(r))
		}
		merged := func(order []int) record {
			var all record
			for _, i := range order {
				all.merge(&events[i])
			}
			return all
		}
		order := r.Perm(len(events))
		want := merged(order)
		again := merged(append(r.Perm(len(events)), r.Perm(len(events))...))
		var left, right record
		cut := r.IntN(len(order) + 1)
		left, right = merged(order[:cut]), merged(order[cut:])
		left.merge(&right)
		for name, got := range map[string]record{"again": again, "in groups": left} {
			if got.heard != want.heard {
				t.Fatalf("seed %d, %s: %+v, want %+v", seed, name, got.heard, want.heard)
			}
			for i := range want.faults {
				a, b := got.faults[i], want.faults[i]
				if a.open() != b.open() || a.last != b.last || a.resolved != b.resolved {
					t.Fatalf("seed %d, %s: %+v, want %+v", seed, name, a, b)
				}
			}
		}
	}
}

func TestFaults(t *testing.T) {
	told := func(at int64) fault { return fault{typ: "T", last: moment{at, 1}, since: moment{at, 1}} }
	resolved := func(at int64) fault { return fault{typ: "T", resolved: moment{at, 1}} }
	for _, test := range []struct {
		name   string
		events []fault
		open   bool
		since  int64
	}{
		{"told", []fault{told(5)}, true, 5},
		{"told again", []fault{told(5), told(9)}, true, 5},
		{"resolved", []fault{told(5), resolved(7)}, false, 0},
		{"resolved, and heard of in the other order", []fault{resolved(7), told(5)}, false, 0},
		{"told anew", []fault{told(5), resolved(7), told(9)}, true, 9},
		{"told anew, with what came first at last", []fault{resolved(7), told(9), told(5)}, true, 9},
		{"resolved without having been told", []fault{resolved(7)}, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r record
			for i := range test.events {
				r.merge(&record{faults: test.events[i : i+1]})
			}
			f := r.faults[0]
			if f.open() != test.open || f.since.at != test.since || r.inError() != test.open {
				t.Errorf("%+v", f)
			}
		})
	}
}

// A vehicle with errors without end keeps the open and the latest.
func TestFaultsAreBounded(t *testing.T) {
	var r record
	name := func(i int) string { return string(rune('A'+i/26)) + string(rune('A'+i%26)) }
	for i := range 200 {
		f := fault{typ: name(i), last: moment{int64(i + 1), 1}, since: moment{int64(i + 1), 1}}
		if i >= 100 {
			f = fault{typ: name(i), resolved: moment{int64(i + 1), 1}}
		}
		r.merge(&record{faults: []fault{f}})
	}
	if len(r.faults) != mostFaults || r.faults[0].typ != name(100-mostFaults) || !r.inError() {
		t.Errorf("%d, from %+v", len(r.faults), r.faults[0])
	}
}

func TestEncode(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		var want record
		for range 4 {
			rec := randomRecord(r)
			want.merge(&rec)
		}
		b := want.appendTo([]byte("x"))
		got, err := parseRecord(b[1:])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, unexported); diff != "" {
			t.Fatal(diff)
		}
		for cut := 1; cut < len(b)-1; cut++ {
			if _, err := parseRecord(b[1 : 1+cut]); err == nil {
				t.Fatalf("%d of %d bytes are a record too", cut, len(b)-1)
			}
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	r := record{heard: heard{last: [classes]int64{1772366400000}, reading: 5}, faults: []fault{{typ: "PERMISSION"}}}
	f.Add(r.appendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			return
		}
		again, err := parseRecord(r.appendTo(nil))
		if err != nil || !bytes.Equal(again.appendTo(nil), r.appendTo(nil)) {
			t.Fatalf("%+v became %+v: %v", r, again, err)
		}
		m := new(mergedRecord)
		m.add(b)
		if _, _, err := m.Finish(true); err != nil {
			t.Fatal(err)
		}
	})
}
