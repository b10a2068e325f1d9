package lossclock

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// refuse does so for several ids.
func (s *Source) refuse(ids ...string) {
	for _, id := range ids {
		s.Refused(id)
	}
}

// lostAt is what Recent says of n deliveries.
func lostAt(n uint64, since, last time.Duration) Recent {
	return Recent{Lost: n, Since: noon.Add(since), Last: noon.Add(last)}
}

func TestDeliveries(t *testing.T) {
	const sec = time.Second
	for name, tc := range map[string]struct {
		play func(s *Source, m *times)
		want Loss
	}{
		"none": {func(*Source, *times) {}, Loss{Left: Window}},
		"one is stored at once": {func(s *Source, _ *times) {
			s.Stored("a")
		}, Loss{Left: Window}},
		"one is refused": {func(s *Source, m *times) {
			s.refuse("a")
			m.pass(10 * sec)
		}, Loss{Pending: 1, Left: 165 * sec}},
		"the first one counts": {func(s *Source, m *times) {
			s.refuse("a")
			m.pass(10 * sec)
			s.refuse("b", "c")
			m.pass(10 * sec)
		}, Loss{Pending: 3, Left: 155 * sec}},
		"the first refusal of one counts": {func(s *Source, m *times) {
			s.refuse("a")
			m.pass(25 * sec)
			s.refuse("a")
			m.pass(50 * sec)
			s.refuse("a")
		}, Loss{Pending: 1, Left: 100 * sec}},
		"it comes again": {func(s *Source, m *times) {
			s.refuse("a", "b")
			m.pass(25 * sec)
			s.Stored("a")
			m.pass(5 * sec)
		}, Loss{Pending: 1, Left: 145 * sec}},
		"all come again": {func(s *Source, m *times) {
			s.refuse("a", "b")
			m.pass(25 * sec)
			s.Stored("b")
			s.Stored("a")
			m.pass(time.Hour)
		}, Loss{Left: Window}},
		"another is stored": {func(s *Source, m *times) {
			s.refuse("a")
			m.pass(25 * sec)
			s.Stored("b")
		}, Loss{Pending: 1, Left: 150 * sec}},
		"the last attempt may be under way": {func(s *Source, m *times) {
			s.refuse("a")
			m.pass(234 * sec)
		}, Loss{Pending: 1}},
		"the last attempt is stored, somewhat late": {func(s *Source, m *times) {
			s.refuse("a")
			m.pass(Window + 31*sec)
			s.Stored("a")
			m.pass(time.Hour)
		}, Loss{Left: Window}},
		"it runs out": {func(s *Source, m *times) {
			m.pass(sec)
			s.refuse("a")
			m.pass(sec)
			s.refuse("b")
			m.pass(234 * sec)
		}, Loss{Pending: 1, Lost: 1, Recent: lostAt(1, sec, 236*sec)}},
		"the last attempt is refused": {func(s *Source, m *times) {
			for _, wait := range []time.Duration{0, 25, 50, 100} {
				m.pass(wait * sec)
				s.refuse("a")
			}
			m.pass(sec)
		}, Loss{Left: Window, Lost: 1, Recent: lostAt(1, 0, 175*sec)}},
		"one of a few runs out": {func(s *Source, m *times) {
			s.refuse("a", "b", "c")
			m.pass(75 * sec)
			s.Stored("a")
			s.Stored("c")
			m.pass(time.Hour)
		}, Loss{Left: Window, Lost: 1, Recent: lostAt(1, 0, 235*sec)}},
		"lost ones are told for a day": {func(s *Source, m *times) {
			s.refuse("a")
			m.pass(235*sec + recently)
		}, Loss{Left: Window, Lost: 1, Recent: lostAt(1, 0, 235*sec)}},
		"and no longer": {func(s *Source, m *times) {
			s.refuse("a")
			m.pass(235*sec + recently + sec)
		}, Loss{Left: Window, Lost: 1}},
		"those of another week are not told with those of today": {func(s *Source, m *times) {
			s.refuse("a", "b")
			m.pass(7 * 24 * time.Hour)
			s.refuse("c")
			m.pass(235 * sec)
		}, Loss{Left: Window, Lost: 3, Recent: lostAt(1, 7*24*time.Hour, 7*24*time.Hour+235*sec)}},
		"a wall clock that jumps": {func(s *Source, m *times) {
			s.refuse("a")
			m.jump(3 * time.Hour)
			m.pass(10 * sec)
		}, Loss{Pending: 1, Left: 165 * sec}},
		"a wall clock that jumps back": {func(s *Source, m *times) {
			s.refuse("a")
			m.jump(-3 * time.Hour)
			m.pass(10 * sec)
		}, Loss{Pending: 1, Left: 165 * sec}},
		"unverified": {func(s *Source, m *times) {
			s.RefusedUnverified()
			m.pass(time.Hour)
		}, Loss{Left: Window, Unverified: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			c, m := newClock()
			s := c.Source("a")
			tc.play(s, m)
			if diff := cmp.Diff(tc.want, s.Loss()); diff != "" {
				t.Error(diff)
			}
			n := int64(s.order.Len())
			if c.kept.Load() != n || s.pending.Load() != n || len(s.byID) != int(n) {
				t.Errorf("%d ids are there, %d by id; %d and %d are counted", n, len(s.byID), c.kept.Load(), s.pending.Load())
			}
		})
	}
}
