package lossclock

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// times are two clocks that a test sets.
type times struct {
	mu      sync.Mutex
	elapsed time.Duration
	wall    time.Time
}

func (m *times) Wall() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wall
}

func (m *times) Elapsed() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.elapsed
}

func (m *times) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.elapsed += d
	m.wall = m.wall.Add(d)
}

// jump moves the wall clock alone.
func (m *times) jump(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wall = m.wall.Add(d)
}

// newClock returns a clock of a process that began at noon.
func newClock() (*Clock, *times) {
	m := &times{wall: noon}
	return New(m.Wall, m.Elapsed), m
}

func TestSourcesAreApart(t *testing.T) {
	c, m := newClock()
	a, b := c.Source("a"), c.Source("b")
	a.Refused("1")
	m.pass(time.Second)
	b.Stored("1")
	if got := a.Loss(); got.Pending != 1 {
		t.Errorf("%+v", got)
	}
	if got := b.Loss(); got != (Loss{Left: Window}) {
		t.Errorf("%+v", got)
	}
	if c.Source("a") != a {
		t.Error("a source has two states")
	}
}

func TestAtOnce(t *testing.T) {
	c, m := newClock()
	s := c.Source("a")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 1000 {
				id := fmt.Sprintf("%d-%d", i, n)
				s.Refused(id)
				if n%2 == 0 {
					s.Stored(id)
				}
				if n%100 == 0 {
					m.pass(time.Millisecond)
					s.Loss()
					c.Alive()
					c.Downtime()
				}
			}
		})
	}
	all.Wait()
	if got := s.Loss(); got.Pending != 4000 {
		t.Errorf("%+v", got)
	}
}

// The usual event, while nothing is pending, costs nothing that others could wait for.
func BenchmarkStoredWithNothingPending(b *testing.B) {
	s := New(nil, nil).Source("a")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Stored("0b6f7a3e-6c1e-4a55-9f5f-5d1f0f6b1c11")
		}
	})
}
