package disk

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/clock"
)

const year = 365 * 24 * hour

// machine is a computer whose wall clock may be set, with a buffer on it.
type machine struct {
	*testing.T
	fs  *vfs.MemFS
	log lockedBuffer

	mu      sync.Mutex
	wall    time.Time
	elapsed time.Duration

	b *Buffer
}

// lockedBuffer takes what the buffer logs from several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *lockedBuffer) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

func newMachine(t *testing.T, wall time.Time) *machine {
	t.Helper()
	m := &machine{T: t, fs: vfs.NewMem(), wall: wall}
	m.start()
	return m
}

func (m *machine) start() {
	m.Helper()
	b, err := Open(m.Context(), Options{
		Path: "buffer", FS: m.fs, Log: slog.New(slog.NewTextHandler(&m.log, nil)),
		Clock: func() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.wall },
		Elapsed: func() time.Duration {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.elapsed
		},
	})
	if err != nil {
		m.Fatal(err)
	}
	m.b = b
	m.Cleanup(func() { _ = b.Close() })
}

func (m *machine) restart() {
	m.Helper()
	if err := m.b.Close(); err != nil {
		m.Fatal(err)
	}
	m.start()
}

func (m *machine) set(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wall = m.wall.Add(d)
}

// pass lets time pass, in which the buffer looks twice at what is old.
func (m *machine) pass(d time.Duration) {
	m.Helper()
	for range 2 {
		m.mu.Lock()
		m.wall, m.elapsed = m.wall.Add(d/2), m.elapsed+d/2
		m.mu.Unlock()
		if err := m.b.trim(m.Context()); err != nil {
			m.Fatal(err)
		}
	}
}

// fill stores events 1 to 10, of which the first four are dead letters of h and the rest are done, while "gone" has
// had none of them and is an orphan.
func (m *machine) fill() {
	m.Helper()
	gone := openConsumer(m.T, m.b, "gone")
	c := openConsumer(m.T, m.b, "h")
	appendTo(m.T, m.b, 1, 10)
	settleN(m.T, c, 4, buffer.Outcome{Verb: buffer.Dead, Reason: buffer.ReasonRejected})
	settleN(m.T, c, 6, doneAll)
	if err := gone.Close(); err != nil {
		m.Fatal(err)
	}
	if err := m.b.KeepConsumers(m.Context(), "h"); err != nil {
		m.Fatal(err)
	}
}

// kept says what is left of what fill stored.
func (m *machine) kept() (events, letters, orphans int, known bool) {
	m.Helper()
	s := m.b.Stats()
	if s.Last >= s.First {
		events = int(s.Last - s.First + 1)
	}
	consumers, err := m.b.Consumers(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	for _, c := range consumers {
		if c.Name == "gone" {
			orphans = int(c.Pending + c.Deferred)
		}
	}
	r, err := m.b.Append(m.Context(), crashEvent("1", 10000))
	if err != nil {
		m.Fatal(err)
	}
	return events, int(s.DeadLetters), orphans, r.Duplicate
}

var march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// What is deleted for its age cannot be had back, so the age must have passed, whatever the clock says.
func TestClockJumpsDeleteNothing(t *testing.T) {
	tests := []struct {
		name string
		wall time.Time
		run  func(m *machine)
	}{
		{"ten years ahead for 36 seconds", march, func(m *machine) {
			m.set(10 * year)
			m.pass(36 * time.Second)
			m.set(-10 * year)
		}},
		{"eight days ahead for 36 seconds", march, func(m *machine) {
			m.set(8 * 24 * hour)
			m.pass(36 * time.Second)
			m.set(-8 * 24 * hour)
		}},
		{"ten years ahead for good", march, func(m *machine) {
			m.set(10 * year)
			m.pass(clock.SteadyFor)
			m.pass(clock.SteadyFor)
		}},
		{"ten years ahead, and a restart", march, func(m *machine) {
			m.set(10 * year)
			m.restart()
			m.pass(clock.SteadyFor)
			m.pass(clock.SteadyFor)
			m.restart()
			m.pass(hour)
		}},
		{"started in the past, then corrected", march.Add(-10 * year), func(m *machine) {
			m.pass(hour)
			m.set(10 * year)
			m.pass(clock.SteadyFor)
			m.pass(clock.SteadyFor)
		}},
		{"corrected while it was closed", march.Add(-10 * year), func(m *machine) {
			m.set(10 * year)
			m.restart()
			m.pass(clock.SteadyFor)
			m.pass(clock.SteadyFor)
		}},
		{"closed for nine days", march, func(m *machine) {
			m.set(9 * 24 * hour)
			m.restart()
			m.pass(hour)
		}},
		{"ten years back, and a restart", march, func(m *machine) {
			m.set(-10 * year)
			m.restart()
			m.pass(3 * hour)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, tt.wall)
			m.fill()
			tt.run(m)
			m.pass(time.Minute)
			events, letters, orphans, known := m.kept()
			if events != 10 || letters != 4 || orphans != 10 || !known {
				t.Errorf("kept are %d events, %d dead letters, %d events of a removed handler, id known: %t; want 10, 4, "+
					"10 and true", events, letters, orphans, known)
			}
		})
	}
}

// After a jump, what is as old as the limits goes all the same, and that is logged.
func TestAgeAfterAJump(t *testing.T) {
	m := newMachine(t, march)
	m.fill()
	m.set(10 * year)
	m.pass(clock.SteadyFor)
	if m.b.Stats().ClockJump.By == 0 {
		t.Error("the jump does not show")
	}
	m.pass(clock.SteadyFor)
	if jump := m.b.Stats().ClockJump; jump.By != 0 {
		t.Errorf("after an hour of a steady clock the jump still shows: %+v", jump)
	}
	for range 31 {
		m.pass(24 * hour)
	}
	events, letters, orphans, known := m.kept()
	if events != 0 || letters != 0 || orphans != 0 || known {
		t.Errorf("after a month, %d events, %d dead letters and %d events of a removed handler are left, id known: %t",
			events, letters, orphans, known)
	}
	for _, want := range []string{`"dead letters"=4`, `consumer=gone events=10`} {
		if !strings.Contains(m.log.text(), want) {
			t.Errorf("the log has no line with %s:\n%s", want, m.log.text())
		}
	}
}

// What is skipped lasts over a crash: it is stored with the first record that has a later time.
func TestJumpLastsOverACrash(t *testing.T) {
	m := newMachine(t, march)
	m.fs = vfs.NewCrashableMem()
	m.start()
	m.fill()
	m.set(10 * year)
	m.pass(clock.SteadyFor)
	m.pass(clock.SteadyFor)
	appendTo(t, m.b, 11, 11)
	m.fs = m.fs.CrashClone(vfs.CrashCloneCfg{})
	m.start()
	m.pass(clock.SteadyFor)
	m.pass(clock.SteadyFor)
	if events, letters, _, _ := m.kept(); events != 11 || letters != 4 {
		t.Errorf("after a crash %d events and %d dead letters are left, want 11 and 4", events, letters)
	}
}

// What is known of the clock may be damaged: then all counts as new.
func TestDamagedClock(t *testing.T) {
	good := encodeClock(clock.State{Last: march.UnixNano()})
	if s, err := parseClock(good); err != nil || s.Last != march.UnixNano() {
		t.Fatalf("got %+v, %v", s, err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if s, err := parseClock(bad); err == nil {
			t.Fatalf("with byte %d changed: %+v", i, s)
		}
	}
}
