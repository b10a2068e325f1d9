package lossclock

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDowntime(t *testing.T) {
	const sec = time.Second
	down := func(d time.Duration) time.Time { return noon.Add(-d) }
	for name, tc := range map[string]struct {
		play func(c *Clock, m *times)
		want Downtime
		left time.Duration
	}{
		"the first start": {func(c *Clock, m *times) {
			c.LastAlive(time.Time{}, nil)
			m.pass(sec)
			c.Alive()
		}, Downtime{}, Window},
		"a short one": {func(c *Clock, m *times) {
			c.LastAlive(down(10*sec), nil)
			m.pass(2 * sec)
			c.Alive()
			m.pass(time.Hour)
		}, Downtime{Known: true, Since: down(10 * sec), Until: noon.Add(2 * sec), Lasted: 12 * sec}, Window},
		"a long one": {func(c *Clock, _ *times) {
			c.LastAlive(down(200*sec), nil)
			c.Alive()
		}, Downtime{Known: true, Since: down(200 * sec), Until: noon, Lasted: 200 * sec, Lost: 25 * sec}, Window},
		"the buffer does not open": {func(c *Clock, m *times) {
			c.LastAlive(down(10*sec), nil)
			m.pass(30 * sec)
			c.LastAlive(down(10*sec), nil)
		}, Downtime{Known: true, Since: down(10 * sec), Lasted: 40 * sec}, Window - 40*sec},
		"it has not opened in time": {func(c *Clock, m *times) {
			c.LastAlive(down(10*sec), nil)
			m.pass(175 * sec)
		}, Downtime{Known: true, Since: down(10 * sec), Lasted: 185 * sec, Lost: 10 * sec}, 0},
		"a reload with another buffer": {func(c *Clock, m *times) {
			c.LastAlive(down(10*sec), nil)
			c.Alive()
			m.pass(time.Hour)
			c.LastAlive(noon.Add(sec), nil)
			c.Alive()
		}, Downtime{Known: true, Since: down(10 * sec), Until: noon, Lasted: 10 * sec}, Window},
		"the right buffer is mounted later": {func(c *Clock, m *times) {
			c.LastAlive(down(time.Hour), nil)
			m.pass(sec)
			c.LastAlive(down(10*sec), nil)
			m.pass(sec)
			c.LastAlive(down(time.Hour), nil)
			c.LastAlive(time.Time{}, nil)
			c.LastAlive(time.Time{}, errors.New("damaged"))
			c.Alive()
		}, Downtime{Known: true, Since: down(10 * sec), Until: noon.Add(2 * sec), Lasted: 12 * sec}, Window},
		"the note cannot be read": {func(c *Clock, _ *times) {
			c.LastAlive(time.Time{}, errors.New("the note is damaged"))
			c.Alive()
		}, Downtime{Unknown: "the note is damaged"}, Window},
		"the note can be read later": {func(c *Clock, _ *times) {
			c.LastAlive(time.Time{}, errors.New("permission denied"))
			c.LastAlive(down(sec), nil)
			c.Alive()
		}, Downtime{Known: true, Since: down(sec), Until: noon, Lasted: sec}, Window},
		"a clock that went backwards": {func(c *Clock, _ *times) {
			c.LastAlive(down(-sec), nil)
			c.Alive()
		}, Downtime{Unknown: "the system's clock is behind what it was when events were last taken"}, Window},
		"a clock that is far ahead": {func(c *Clock, _ *times) {
			c.LastAlive(down(31*24*time.Hour), nil)
			c.Alive()
		}, Downtime{Unknown: "by the system's clock it is more than 30 days, which is not believed"}, Window},
		"a clock that is set after the start": {func(c *Clock, m *times) {
			c.LastAlive(down(10*sec), nil)
			c.Alive()
			m.pass(5 * sec)
			m.jump(3 * time.Hour)
		}, Downtime{Unknown: "the system's clock was set after the start"}, Window},
		"a clock that is set back after the start": {func(c *Clock, m *times) {
			c.LastAlive(down(time.Hour), nil)
			c.Alive()
			m.jump(-30 * time.Minute)
		}, Downtime{Unknown: "the system's clock was set after the start"}, Window},
		"a clock that is set while the buffer does not open": {func(c *Clock, m *times) {
			c.LastAlive(down(10*sec), nil)
			m.jump(time.Minute + sec)
			c.Downtime()
			c.LastAlive(down(10*sec), nil)
		}, Downtime{Known: true, Since: down(10 * sec), Lasted: 71 * sec}, Window - 71*sec},
	} {
		t.Run(name, func(t *testing.T) {
			c, m := newClock()
			tc.play(c, m)
			if diff := cmp.Diff(tc.want, c.Downtime()); diff != "" {
				t.Error(diff)
			}
			if got := c.Source("a").Loss(); got != (Loss{Left: tc.left}) {
				t.Errorf("%+v, want only %v left", got, tc.left)
			}
		})
	}
}

// A wall clock that is set long after the start does not unsay what was found right before.
func TestSettledDowntimeStays(t *testing.T) {
	c, m := newClock()
	c.LastAlive(noon.Add(-10*time.Second), nil)
	c.Alive()
	m.pass(settleTime)
	c.Downtime()
	m.jump(2 * time.Hour)
	if d := c.Downtime(); !d.Known || d.Lasted != 10*time.Second {
		t.Errorf("%+v", d)
	}
}

// What is refused near a downtime may have been tried in it. Its clock is that of the earliest first attempt; whether
// it is lost is found out as of any other.
func TestRefusedNearDowntime(t *testing.T) {
	const sec = time.Second
	for name, tc := range map[string]struct {
		down, opens, refused time.Duration // before noon, after noon (0: not yet), after noon
		left                 time.Duration
	}{
		"before the buffer opens":           {down: 10 * sec, refused: 30 * sec, left: Window - 40*sec},
		"the same when it has run out":      {down: 200 * sec, refused: 30 * sec, left: 0},
		"after it has opened":               {down: 10 * sec, opens: 5 * sec, refused: 30 * sec, left: Window - 40*sec},
		"after a long downtime":             {down: time.Hour, opens: 5 * sec, refused: 30 * sec, left: 0},
		"the last that may have been tried": {down: 10 * sec, opens: 5 * sec, refused: 5*sec + Window - 1, left: 0},
		"none can have been tried":          {down: 10 * sec, opens: 5 * sec, refused: 5*sec + Window, left: Window},
	} {
		t.Run(name, func(t *testing.T) {
			c, m := newClock()
			s := c.Source("a")
			c.LastAlive(noon.Add(-tc.down), nil)
			if tc.opens > 0 {
				m.pass(tc.opens)
				c.Alive()
			}
			m.pass(tc.refused - tc.opens)
			s.Refused("1")
			if got, want := s.Loss(), (Loss{Pending: 1, Left: tc.left}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			m.pass(Window + late - 1)
			if got := s.Loss(); got.Lost != 0 {
				t.Errorf("%+v before its own time has run out", got)
			}
			m.pass(1)
			if got := s.Loss(); got.Lost != 1 || got.Pending != 0 {
				t.Errorf("%+v when it has", got)
			}
		})
	}
}
