package eventlog

import (
	"slices"
	"testing"
)

// Several small groups that make the file longer have zeros written behind them, over which the next ones go.
func TestPreallocate(t *testing.T) {
	const segment = 8 << 20
	small := slices.Repeat([]int{3}, preallocAfter)
	for _, test := range []struct {
		name    string
		size    int64
		records []int // of each group
		want    func(ends []int) int
	}{
		{"behind the last of several small groups", segment, small, func(ends []int) int { return ends[7] + preallocSize }},
		{"not again while there are some", segment, slices.Concat(small, small), func(ends []int) int { return ends[7] + preallocSize }},
		{"not behind few", segment, small[1:], func(ends []int) int { return ends[6] }},
		{"not behind large ones", segment, []int{4000, 4000}, func(ends []int) int { return ends[1] }},
		{"not with a large one between", segment, slices.Concat(small[1:], []int{4000}, small[1:]), func(ends []int) int { return ends[14] }},
		{"again behind a large one", segment, slices.Concat(small, []int{40000}, small), func(ends []int) int { return ends[16] + preallocSize }},
		{"not beyond the segment", 4 << 10, small, func([]int) int { return 4 << 10 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, fs := newLog(t, test.size)
			var ends []int
			for _, n := range test.records {
				l.add(n)
				ends = append(ends, l.end())
			}
			if got, want := len(content(t, fs, "000001.events", nil)), test.want(ends); got != want {
				t.Errorf("groups end at %v, the file at %d, want %d", ends, got, want)
			}
			l.wantFound(1, 1<<20, 1, l.next-1, 0)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := openLog(t, fs, test.size, 0, 1)
			if err != nil || len(again.groups) != len(test.records) {
				t.Fatalf("%d groups are recovered, want %d, error %v", len(again.groups), len(test.records), err)
			}
		})
	}
}
