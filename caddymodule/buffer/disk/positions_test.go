package disk

import (
	"slices"
	"testing"
)

func TestPositions(t *testing.T) {
	var s positions
	for _, r := range []span{{3, 3}, {5, 7}, {7, 8}, {6, 9}, {20, 30}, {22, 25}} {
		s.add(r.from, r.to)
	}
	if want := []span{{5, 9}, {20, 30}}; !slices.Equal(s.ranges, want) {
		t.Errorf("got %v, want %v", s.ranges, want)
	}
	for position, want := range map[uint64]bool{3: false, 4: false, 5: true, 8: true, 9: false, 19: false, 20: true, 29: true,
		30: false} {
		if s.has(position) != want {
			t.Errorf("has %d: %t", position, !want)
		}
	}
	for first, want := range map[uint64]uint64{0: 14, 5: 14, 7: 12, 9: 10, 25: 5, 30: 0} {
		if n := s.countFrom(first); n != want {
			t.Errorf("from %d on there are %d, want %d", first, n, want)
		}
	}
}
