package lossclock

import (
	"fmt"
	"testing"
	"time"
)

// Beyond so many ids deliveries are counted by second. None of them is ever taken for stored.
func TestMoreThanThereIsRoomFor(t *testing.T) {
	c, m := newClock()
	a, b := c.Source("a"), c.Source("b")
	for i := range mostIDs - 1 {
		a.Refused(fmt.Sprint(i))
	}
	m.pass(10 * time.Second)
	b.refuse("kept", "beyond", "beyond too")
	m.pass(500 * time.Millisecond)
	b.refuse("beyond in the same second")
	m.pass(time.Second)
	b.refuse("beyond, later")
	if got, want := b.Loss(), (Loss{Pending: 5, Left: Window - 1500*time.Millisecond}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if n := len(b.rest); n != 2 {
		t.Errorf("%d seconds are kept", n)
	}

	m.pass(23500 * time.Millisecond)
	b.Stored("kept")
	b.Stored("beyond")
	if got := b.Loss(); got.Pending != 4 || got.Left != Window-25*time.Second {
		t.Errorf("%+v after two came again", got)
	}
	b.Refused("there is room for this one")
	if n := c.kept.Load(); n != mostIDs {
		t.Errorf("%d ids are kept", n)
	}

	m.pass(time.Hour)
	want := Loss{Left: Window, Lost: 5, Uncertain: 4}
	got := b.Loss()
	got.Recent = Recent{}
	if got != want {
		t.Errorf("%+v at the end, want %+v", got, want)
	}
	if got := a.Loss(); got.Lost != mostIDs-1 || got.Uncertain != 0 {
		t.Errorf("%+v of the other source", got)
	}
	if c.kept.Load() != 0 || b.rest != nil {
		t.Errorf("%d ids and %d seconds are left", c.kept.Load(), len(b.rest))
	}
}
