package format

import (
	"math/rand/v2"
	"testing"
)

// TestProgress marks at random and compares with a plain set, over encoding.
func TestProgress(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		low := rng.Uint64N(3 * Window)
		p := &Progress{Low: low, High: low, Deferred: rng.Uint64N(9)}
		marked := map[uint64]bool{}
		for range 4000 {
			position := low + 1 + rng.Uint64N(Window)
			if position > p.Low+Window {
				continue
			}
			if rng.IntN(3) > 0 {
				position = p.Low + 1 + rng.Uint64N(20)
			}
			p.Mark(position)
			marked[position] = true
			if rng.IntN(200) == 0 {
				q, err := ParseProgress(p.Append(nil))
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if q.Low != p.Low || q.High != p.High || q.Deferred != p.Deferred || q.ring != p.ring {
					t.Fatalf("seed %d: decoded %d..%d, want %d..%d", seed, q.Low, q.High, p.Low, p.High)
				}
				p = q
			}
		}
		for position := low + 1; position <= low+Window; position++ {
			if p.Has(position) != marked[position] {
				t.Fatalf("seed %d: has(%d) is %v, want %v", seed, position, p.Has(position), marked[position])
			}
		}
		if marked[p.Low+1] {
			t.Fatalf("seed %d: low is %d, and the next one is marked", seed, p.Low)
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
		{"past the window", []uint64{12}, 10 + 3*Window, 10 + 3*Window},
		{"back", []uint64{11}, 5, 11},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &Progress{Low: 10, High: 10}
			for _, m := range test.marks {
				p.Mark(m)
			}
			p.SkipTo(test.to)
			if p.Low != test.want {
				t.Fatalf("low is %d, want %d", p.Low, test.want)
			}
			for position := p.Low + 1; position <= p.Low+Window; position++ {
				if p.Has(position) != (position == 19 && test.to == 15) {
					t.Fatalf("has(%d) is %v", position, p.Has(position))
				}
			}
		})
	}
}

// Marks beyond the window are ignored: in the ring they would stand for positions within it.
func TestProgressIgnoresWhatIsBeyondTheWindow(t *testing.T) {
	p := &Progress{Low: 10, High: 10}
	for _, beyond := range []uint64{10 + Window + 1, 10 + Window + 5, 10 + 2*Window} {
		p.Mark(beyond)
	}
	for position := uint64(11); position <= 10+2*Window; position++ {
		if p.Has(position) {
			t.Fatalf("position %d counts as settled", position)
		}
	}
	if p.Low != 10 || p.High != 10 {
		t.Errorf("low %d, high %d", p.Low, p.High)
	}
}
