package arrivals

import (
	"math/rand/v2"
	"slices"
	"testing"
)

const kib, mib = int64(1 << 10), int64(1 << 20)

// sender is told when its body gives way.
type sender struct {
	Arrival
	gaveUp bool
}

func (s *sender) GiveUp() { s.gaveUp = true }

// hold begins bodies of a size that stop before their end.
func hold(t *testing.T, b *Budget, n int, size int64) []*sender {
	t.Helper()
	all := make([]*sender, n)
	for i := range all {
		all[i] = new(sender)
		if !all[i].Begin(b, all[i], 0, size) || !all[i].Grow(size) {
			t.Fatalf("body %d of %d bytes finds no room", i, size)
		}
	}
	return all
}

func gaveUp(all []*sender) (n int) {
	for _, s := range all {
		if s.gaveUp {
			n++
		}
	}
	return n
}

// What gives way is the oldest, and only as much as the newest needs.
func TestTheOldestGivesWay(t *testing.T) {
	b := New(32 * mib)
	held := hold(t, b, 192, 64*kib) // three quarters of the small share
	if gaveUp(held) != 0 {
		t.Fatalf("%d gave way though there was room", gaveUp(held))
	}
	hold(t, b, 2, 64*kib)
	if gaveUp(held) != 2 || !held[0].gaveUp || !held[1].gaveUp {
		t.Errorf("%d gave way, want the oldest two", gaveUp(held))
	}
	if held[0].Grow(64 * kib) {
		t.Error("what gives way may grow")
	}
	before := b.Held()
	held[0].End()
	held[0].End()
	if got := before - b.Held(); got != 64*kib {
		t.Errorf("%d bytes were given back by a body of 64 KiB", got)
	}
}

// However fast bodies come, no more is held than the limit, also while nothing that gives way has ended.
func TestTheLimitHoldsWhileOthersGiveWay(t *testing.T) {
	b := New(8 * mib)
	held := hold(t, b, 64, 64*kib)
	late := new(sender)
	if late.Begin(b, late, 32*kib, 0) {
		t.Errorf("a body finds room beside %d bytes", b.Held())
	}
	late.End()
	if n := gaveUp(held); n != 16 {
		t.Errorf("%d gave way, want a quarter of 64", n)
	}
	for _, s := range held {
		if s.gaveUp {
			s.End()
		}
	}
	if !late.Begin(b, late, 32*kib, 0) {
		t.Error("no room after a quarter has given way")
	}
}

// Large bodies take no room from small ones, and one that becomes large counts as such only.
func TestLargeBodiesHaveTheirOwnShare(t *testing.T) {
	b := New(32 * mib)
	small := hold(t, b, 192, 64*kib)
	var large []*sender
	for range 100 {
		s := new(sender)
		if s.Begin(b, s, 0, 256*kib) && s.Grow(64*kib) && s.Grow(256*kib) {
			large = append(large, s)
		}
	}
	if gaveUp(small) != 0 {
		t.Errorf("%d small bodies gave way to large ones", gaveUp(small))
	}
	if held := b.Held(); held > 32*mib || len(large) != 64 {
		t.Errorf("%d bytes held, %d large bodies", held, len(large))
	}
	for _, s := range slices.Concat(small, large) {
		s.End()
	}
	one := hold(t, b, 1, 16*kib)[0]
	if !one.Grow(128*kib) || b.Held() != 128*kib {
		t.Errorf("%d bytes are held by one body of 128 KiB", b.Held())
	}
}

// What has arrived does not give way, and takes its buffer until its request ends.
func TestArrivedBodiesStay(t *testing.T) {
	b := New(mib)
	s := new(sender)
	if !s.Begin(b, s, 32*kib, 0) || !s.Grow(32*kib) {
		t.Fatal("no room in an empty budget")
	}
	s.Arrived()
	if b.Held() != 32*kib {
		t.Errorf("%d bytes are held by a body of 32 KiB that has arrived", b.Held())
	}
	for range 20 {
		other := new(sender)
		_ = other.Begin(b, other, 0, 64*kib) && other.Grow(64*kib)
	}
	if s.gaveUp {
		t.Error("a body that was there gave way")
	}
	s.End()
}

// A usual webhook over HTTP/1.1 needs no room at all.
func TestNothingIsHeldForNothing(t *testing.T) {
	b := New(0)
	s := new(sender)
	if !s.Begin(b, s, 0, 5*kib) {
		t.Error("refused")
	}
	s.Arrived()
	s.End()
}

// Whatever comes and goes in whatever order, the sums are those of what is there.
func TestSumsStayRight(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	b := New(4 * mib)
	var there []*sender
	for range 20_000 {
		switch pick := r.IntN(4); {
		case pick == 0 || len(there) == 0:
			s := new(sender)
			if !s.Begin(b, s, int64(r.IntN(2))*32*kib, r.Int64N(100*kib)) {
				s.End()
				continue
			}
			there = append(there, s)
		case pick == 1:
			there[r.IntN(len(there))].Arrived()
		case pick == 2:
			s := there[r.IntN(len(there))]
			_ = s.Grow(s.held - s.fixed + 1 + r.Int64N(100*kib))
		default:
			i := r.IntN(len(there))
			there[i].End()
			there = slices.Delete(there, i, i+1)
		}
		var held [2]int64
		var leaving [2]int64
		for _, s := range there {
			i := 0
			if s.share == &b.large {
				i = 1
			}
			held[i] += s.held
			if s.leaving {
				leaving[i] += s.held
			}
		}
		for i, s := range []*share{&b.small, &b.large} {
			if s.held != held[i] || s.leaving != leaving[i] || s.held > s.limit {
				t.Fatalf("share %d: %d held and %d leaving, want %d and %d of at most %d", i, s.held, s.leaving, held[i], leaving[i], s.limit)
			}
		}
	}
	for _, s := range there {
		s.End()
	}
	if b.Held() != 0 || b.small.oldest != nil || b.large.newest != nil {
		t.Errorf("%d bytes held by nobody", b.Held())
	}
}
