package clock

import (
	"testing"
	"time"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
	year = 365 * day
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// machine has a wall clock that may be set, and one that cannot.
type machine struct {
	wall    time.Time
	elapsed time.Duration
}

func (m *machine) open(s State) *Clock {
	return New(func() time.Time { return m.wall }, func() time.Duration { return m.elapsed }, s)
}

func (m *machine) pass(d time.Duration) {
	m.wall = m.wall.Add(d)
	m.elapsed += d
}

// set sets the wall clock.
func (m *machine) set(d time.Duration) { m.wall = m.wall.Add(d) }

// work looks at the clock once a minute, as the buffer does at least.
func (m *machine) work(c *Clock, d time.Duration) {
	for range d / time.Minute {
		m.pass(time.Minute)
		if _, _, store := c.Tick(); store {
			c.Stored()
		}
	}
}

// age is how old the clock takes something for; it asks Ago as deletion does.
func age(c *Clock, stamp int64) time.Duration {
	for _, d := range []time.Duration{20 * year, 9 * year, 8 * day, 6 * day, 2 * day, 12 * hour, 2 * hour, hour / 2} {
		if stamp < c.Ago(d) {
			return d
		}
	}
	return 0
}

func TestAge(t *testing.T) {
	tests := []struct {
		name string
		run  func(m *machine, c *Clock) *Clock
		// want is the largest of the ages of func age that has passed.
		want time.Duration
	}{
		{"time passes", func(m *machine, c *Clock) *Clock { m.work(c, 7*day); return c }, 6 * day},
		{"nobody looks for days", func(m *machine, c *Clock) *Clock { m.pass(7 * day); return c }, 6 * day},
		{"ten years ahead for 36 seconds", func(m *machine, c *Clock) *Clock {
			m.set(10 * year)
			m.pass(18 * time.Second)
			if got := age(c, noon.UnixNano()); got != 0 {
				t.Errorf("while it is ahead, the age is over %s", got)
			}
			c.Tick()
			m.pass(18 * time.Second)
			m.set(-10 * year)
			m.work(c, 3*hour)
			return c
		}, 2 * hour},
		{"ten years ahead for good", func(m *machine, c *Clock) *Clock {
			m.set(10 * year)
			m.work(c, 13*hour)
			return c
		}, 12 * hour},
		{"eight days ahead for good", func(m *machine, c *Clock) *Clock {
			m.set(8 * day)
			m.work(c, 3*hour)
			return c
		}, 2 * hour},
		{"ahead for a day, and back", func(m *machine, c *Clock) *Clock {
			m.set(10 * year)
			m.work(c, day)
			m.set(-10 * year)
			m.work(c, 2*day)
			return c
		}, 2 * day},
		{"back an hour", func(m *machine, c *Clock) *Clock {
			m.set(-hour)
			m.work(c, 5*hour)
			return c
		}, 2 * hour},
		{"back ten years", func(m *machine, c *Clock) *Clock {
			m.set(-10 * year)
			m.work(c, 3*day)
			return c
		}, 2 * day},
		{"back and forth by five minutes, often", func(m *machine, c *Clock) *Clock {
			for range 30 {
				m.set(5 * time.Minute)
				m.work(c, time.Minute)
				m.set(-5 * time.Minute)
				m.work(c, time.Minute)
			}
			return c
		}, hour / 2},
		{"closed for a week", func(m *machine, c *Clock) *Clock {
			s := c.State()
			m.set(7 * day)
			c = m.open(s)
			m.work(c, 3*hour)
			return c
		}, 2 * hour},
		{"opened ten years ahead", func(m *machine, c *Clock) *Clock {
			s := c.State()
			m.set(10 * year)
			c = m.open(s)
			m.work(c, 3*hour)
			return c
		}, 2 * hour},
		{"opened ten years behind", func(m *machine, c *Clock) *Clock {
			s := c.State()
			m.set(-10 * year)
			c = m.open(s)
			m.work(c, 3*hour)
			return c
		}, 2 * hour},
		{"a restart a day for three years", func(m *machine, c *Clock) *Clock {
			for range 3 * 365 {
				s := c.State()
				m.set(day)
				c = m.open(s)
				m.work(c, 2*time.Minute)
			}
			return c
		}, 12 * hour},
		{"nothing is known", func(m *machine, c *Clock) *Clock { return m.open(AllNew(c.State().Last)) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &machine{wall: noon}
			c := tt.run(m, m.open(State{Last: noon.UnixNano()}))
			if got := age(c, noon.UnixNano()); got != tt.want {
				t.Errorf("the age is over %s, want %s", got, tt.want)
			}
		})
	}
}

// A machine without a battery starts years behind; then the network tells it the time.
func TestRecordsOfAWrongPast(t *testing.T) {
	m := &machine{wall: noon.Add(-10 * year)}
	c := m.open(State{})
	first := c.Now()
	m.work(c, hour)
	m.set(10 * year)
	m.work(c, 3*hour)
	if age(c, first) != 2*hour {
		t.Errorf("what was stored in the wrong past is %s old, want two hours and some", age(c, first))
	}
	if off := m.wall.UnixNano() - c.Now(); off != 0 {
		t.Errorf("the clock is off by %s when it was steady for hours", time.Duration(off))
	}
}

func TestStampsNeverGoBack(t *testing.T) {
	m := &machine{wall: noon}
	c := m.open(State{})
	last := c.Now()
	for i, set := range []time.Duration{0, hour, -2 * hour, 10 * year, -10 * year, -30 * time.Second, 20 * time.Minute, -day} {
		m.set(set)
		for range 100 {
			m.work(c, time.Minute)
			now := c.Now()
			if now < last {
				t.Fatalf("after step %d the clock goes back by %s", i, time.Duration(last-now))
			}
			last = now
		}
	}
}

// A set-back of an hour is made good: the stamps wait for the wall clock.
func TestSlew(t *testing.T) {
	m := &machine{wall: noon}
	c := m.open(State{})
	m.set(-hour)
	m.work(c, 2*hour)
	if ahead := time.Duration(c.Now() - m.wall.UnixNano()); ahead > hour || ahead < 10*time.Minute {
		t.Errorf("after two hours the clock is %s ahead, want less than the hour of the jump", ahead)
	}
	m.work(c, 3*hour)
	if ahead := time.Duration(c.Now() - m.wall.UnixNano()); ahead != 0 {
		t.Errorf("after five hours the clock is %s ahead", ahead)
	}
}

func TestJump(t *testing.T) {
	m := &machine{wall: noon}
	c := m.open(State{})
	steps := []struct {
		name string
		do   func()
		want Jump
	}{
		{"no jump", func() { m.work(c, hour) }, Jump{}},
		{"a little ahead", func() { m.set(30 * time.Second) }, Jump{}},
		{"minutes ahead", func() { m.set(9 * time.Minute); c.Tick() }, Jump{}},
		{"a year ahead", func() { m.set(year) }, Jump{By: year, Left: SteadyFor}},
		{"steady for a while", func() { m.work(c, 20*time.Minute) }, Jump{By: year, Left: 40 * time.Minute}},
		{"another jump begins anew", func() { m.set(day) }, Jump{By: year + day, Left: SteadyFor}},
		{"steady for long enough", func() { m.work(c, hour+time.Minute) }, Jump{}},
		{"back", func() { m.set(-year) }, Jump{By: -year, Left: SteadyFor}},
		{"and steady", func() { m.work(c, hour+time.Minute) }, Jump{}},
	}
	for _, s := range steps {
		s.do()
		if got := c.Jump(); got != s.want {
			t.Fatalf("%s: got %+v, want %+v", s.name, got, s.want)
		}
	}
}

// What is skipped must be stored before a record has the new stamp, so only Tick skips, and says so.
func TestOnlyTickSkips(t *testing.T) {
	m := &machine{wall: noon}
	c := m.open(State{})
	m.set(year)
	c.Now()
	m.pass(2 * hour)
	if c.Now() > noon.Add(day).UnixNano() {
		t.Fatal("Now has skipped a year")
	}
	now, state, store := c.Tick()
	if now != m.wall.UnixNano() || !store || state.Last != now || len(state.Gaps) != 1 {
		t.Fatalf("Tick: %s, %+v, store %t", time.Unix(0, now).UTC(), state, store)
	}
	c.Stored()
	if _, _, store := c.Tick(); store {
		t.Error("a gap is to be stored twice")
	}
}

func TestLeft(t *testing.T) {
	m := &machine{wall: noon}
	c := m.open(State{})
	since := c.Now()
	m.work(c, 10*hour)
	m.set(5 * time.Minute)
	m.work(c, hour)
	if got, want := c.Left(since, day), 13*hour; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := time.Unix(0, c.Due(since, day)).UTC(), noon.Add(day+5*time.Minute); !got.Equal(want) {
		t.Errorf("due at %s, want %s", got, want)
	}
	if got := c.Left(since, hour); got != 0 {
		t.Errorf("got %s of what is over", got)
	}
}
