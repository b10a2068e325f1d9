package vehicles

import (
	"math/rand/v2"
	"testing"
)

// What is marked is the same as in a map, whatever the order.
func TestMarksAgainstAMap(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var m marks
		start := r.Uint64N(3 * marked)
		m.startAt(start)
		seen := map[uint64]bool{}
		low := start
		for range 3000 {
			p := low - 3 + r.Uint64N(50)
			if r.IntN(100) == 0 {
				p += marked - 30 + r.Uint64N(60)
			}
			takes := p > low && p-low <= marked && !seen[p]
			if m.takes(p) != takes {
				t.Fatalf("seed %d: takes(%d) = %t above %d", seed, p, !takes, low)
			}
			if takes {
				m.set(p)
				seen[p] = true
			}
			for seen[low+1] {
				low++
			}
			if r.IntN(200) == 0 {
				low += r.Uint64N(20)
				m.startAt(low)
				for seen[low+1] {
					low++
				}
			}
			if m.low != low {
				t.Fatalf("seed %d: low is %d, want %d", seed, m.low, low)
			}
		}
	}
}

func TestGaps(t *testing.T) {
	var m marks
	m.startAt(100)
	if s, ok := m.gap(100, 50); ok {
		t.Errorf("a gap %v although all is marked", s)
	}
	for _, p := range []uint64{101, 102, 105, 106, 300} {
		m.set(p)
	}
	for _, test := range []struct {
		name       string
		upTo, most uint64
		want       span
	}{
		{"up to what is known", 104, 50, span{103, 104}},
		{"gaps that are near come at once", 110, 50, span{103, 110}},
		{"no more than is wanted", 400, 5, span{103, 107}},
		{"what is marked at the end stays out", 300, 1000, span{103, 299}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if s, ok := m.gap(test.upTo, test.most); !ok || s != test.want {
				t.Errorf("%v %t, want %v", s, ok, test.want)
			}
		})
	}
	for p := uint64(107); p < 300; p++ {
		m.set(p)
	}
	if s, _ := m.gap(400, 1000); s != (span{103, 104}) {
		t.Errorf("%v: what is far behind the gap is read too", s)
	}
}
