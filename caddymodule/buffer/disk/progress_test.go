package disk

import (
	"math/rand/v2"
	"testing"
)

// TestProgress marks at random and compares with a plain set, over encoding.
func TestProgress(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		low := rng.Uint64N(3 * window)
		p := &progress{low: low, high: low, deferred: rng.Uint64N(9)}
		marked := map[uint64]bool{}
		for range 4000 {
			position := low + 1 + rng.Uint64N(window)
			if position > p.low+window {
				continue
			}
			if rng.IntN(3) > 0 {
				position = p.low + 1 + rng.Uint64N(20)
			}
			p.mark(position)
			marked[position] = true
			if rng.IntN(200) == 0 {
				q, err := parseProgress(p.append(nil))
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if q.low != p.low || q.high != p.high || q.deferred != p.deferred || q.ring != p.ring {
					t.Fatalf("seed %d: decoded %d..%d, want %d..%d", seed, q.low, q.high, p.low, p.high)
				}
				p = q
			}
		}
		for position := low + 1; position <= low+window; position++ {
			if p.has(position) != marked[position] {
				t.Fatalf("seed %d: has(%d) is %v, want %v", seed, position, p.has(position), marked[position])
			}
		}
		if marked[p.low+1] {
			t.Fatalf("seed %d: low is %d, and the next one is marked", seed, p.low)
		}
	}
}

func TestProgressSkipTo(t *testing.T) {
	for _, test := range []struct {
		name     string
		marks    []uint64
		to, want uint64
	}{
		{"nothing marked", nil, 50, 50},
		{"onto a marked run", []uint64{16, 17, 19}, 15, 17},
		{"past all marks", []uint64{16, 17}, 500, 500},
		{"past the window", []uint64{12}, 10 + 3*window, 10 + 3*window},
		{"back", []uint64{11}, 5, 11},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &progress{low: 10, high: 10}
			for _, m := range test.marks {
				p.mark(m)
			}
			p.skipTo(test.to)
			if p.low != test.want {
				t.Fatalf("low is %d, want %d", p.low, test.want)
			}
			for position := p.low + 1; position <= p.low+window; position++ {
				if p.has(position) != (position == 19 && test.to == 15) {
					t.Fatalf("has(%d) is %v", position, p.has(position))
				}
			}
		})
	}
}

// Marks beyond the window are ignored: in the ring they would stand for positions within it.
func TestProgressIgnoresWhatIsBeyondTheWindow(t *testing.T) {
	p := &progress{low: 10, high: 10}
	for _, beyond := range []uint64{10 + window + 1, 10 + window + 5, 10 + 2*window} {
		p.mark(beyond)
	}
	for position := uint64(11); position <= 10+2*window; position++ {
		if p.has(position) {
			t.Fatalf("position %d counts as settled", position)
		}
	}
	if p.low != 10 || p.high != 10 {
		t.Errorf("low %d, high %d", p.low, p.high)
	}
}
