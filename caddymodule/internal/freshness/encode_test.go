package freshness

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var private = cmp.AllowUnexported(Table{}, entry{}, age{})

func randomTable(r *rand.Rand) *Table {
	codes := map[string]bool{}
	for range r.IntN(30) {
		group := []string{"charge-", "climate-", "tractionbattery-", "ä-", ""}[r.IntN(5)]
		codes[group+strings.Repeat(string(rune('a'+r.IntN(26))), 1+r.IntN(20))] = true
	}
	t := &Table{}
	for code := range codes {
		a := age{recorded: 1 + r.Int64N(maxRecorded-1), retrieved: r.Int64N(maxRecorded), sequence: int64(r.Uint64())}
		if r.IntN(4) == 0 {
			a.sequence = []int64{0, -1, math.MaxInt64, math.MinInt64}[r.IntN(4)]
		}
		t.entries = append(t.entries, entry{code, a})
	}
	slices.SortFunc(t.entries, func(a, b entry) int { return strings.Compare(a.code, b.code) })
	return t
}

func TestTablesComeBackAsTheyWere(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		table := randomTable(r)
		b := table.Append([]byte("before"))
		if !bytes.HasPrefix(b, []byte("before")) {
			t.Fatal("Append does not append")
		}
		b = b[len("before"):]
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("%v: %q", err, b)
		}
		if diff := cmp.Diff(table, got, private, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		// What is cut off is never taken for less.
		for n := 1; n < len(b); n++ {
			if _, err := Decode(b[:n]); err == nil {
				t.Fatalf("%d of %d bytes were decoded: %q", n, len(b), b)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := func(code string) []byte {
		return (&Table{entries: []entry{{code, age{recorded: 5}}}}).Append(nil)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, b := range map[string][]byte{
		"a later version":         {2, 0},
		"version 0":               {0, 0},
		"a version only":          {1},
		"more bytes":              append(good("a"), 0),
		"too many signals":        {1, 0x81, 0x04},
		"a count without end":     bytes.Repeat([]byte{0x81}, 12),
		"a count beyond the rest": {1, 2, 0, 1, 'a', 2, 0, 0},
		"an empty code":           {1, 1, 0, 0, 2, 0, 0, 0},
		"a code that is too long": good(strings.Repeat("a", maxCode+1)),
		"not in order":            join([]byte{1, 2}, good("b")[2:], []byte{0, 1, 'a', 2, 0, 0}),
		"twice the same":          join([]byte{1, 2}, good("a")[2:], []byte{1, 0, 2, 0, 0, 0}),
		"more shared than there":  join([]byte{1, 2}, good("a")[2:], []byte{2, 1, 'b', 2, 0, 0}),
		"no time":                 {1, 1, 0, 1, 'a', 0, 0, 0},
		"a time before 1970":      {1, 1, 0, 1, 'a', 1, 0, 0},
		"retrieved before 1970":   {1, 1, 0, 1, 'a', 2, 1, 0},
		"a time beyond 9999":      (&Table{entries: []entry{{"a", age{recorded: maxRecorded}}}}).Append(nil),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Decode(b); err == nil {
				t.Errorf("decoded %+v", got)
			}
		})
	}
	for name, b := range map[string][]byte{"nil": nil, "no bytes": {}, "no signals": {1, 0}} {
		if got, err := Decode(b); err != nil || len(got.entries) != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestTablesAreBounded(t *testing.T) {
	table := &Table{}
	var all []string
	for i := range maxSignals + 50 {
		all = append(all, signal(fmt.Sprintf("s-%03d", i), 100, 100))
	}
	table.Merge(read(t, state(all...)), noon)
	if len(table.entries) != maxSignals {
		t.Fatalf("%d signals", len(table.entries))
	}
	known, further := "s-000", fmt.Sprintf("s-%03d", maxSignals)
	if got := table.Stale(read(t, state(signal(known, 50, 50), signal(further, 50, 50))), false, noon); !slices.Equal(got, []string{known}) {
		t.Errorf("stale %v", got)
	}
	if !table.Merge(read(t, state(signal(known, 200, 200))), noon) {
		t.Error("a full table does not note what is newer")
	}
	if table.Merge(read(t, state(signal(further, 200, 200))), noon) {
		t.Error("a full table grew")
	}
	if _, err := Decode(table.Append(nil)); err != nil {
		t.Error(err)
	}
	long := signal(strings.Repeat("a", maxCode+1), 100, 100)
	if (&Table{}).Merge(read(t, state(long)), noon) {
		t.Error("a code without bound was noted")
	}
}

func TestTablesAreSmall(t *testing.T) {
	table := &Table{}
	table.Merge(read(t, state(manySignals(90)...)), noon)
	if n, size := len(table.entries), len(table.Append(nil)); n != 90 || size > 2_500 {
		t.Errorf("%d bytes for %d signals", size, n)
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 5 {
		f.Add(randomTable(r).Append(nil))
	}
	f.Add([]byte{})
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(table.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(table, again, private, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if !slices.IsSortedFunc(table.entries, func(a, b entry) int { return strings.Compare(a.code, b.code) }) || len(table.entries) > maxSignals {
			t.Fatalf("%+v", table)
		}
	})
}

func BenchmarkTable(b *testing.B) {
	for _, n := range []int{12, 90} {
		table := &Table{}
		r, _ := Read([]byte(state(manySignals(n)...)), noon)
		table.Merge(r, noon)
		stored := table.Append(nil)
		b.Run(fmt.Sprintf("append/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(stored)), "bytes")
			buf := make([]byte, 0, 4096)
			for b.Loop() {
				table.Append(buf)
			}
		})
		b.Run(fmt.Sprintf("decode/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(stored); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
