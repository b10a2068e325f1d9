package status

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// lossTimes are those of a clock that began at noon.
type lossTimes struct{ passed time.Duration }

func (m *lossTimes) now() time.Time { return noon.Add(m.passed) }

func TestLossNeedsAttention(t *testing.T) {
	const sec = time.Second
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	refuse := func(c *lossclock.Clock, ids ...string) {
		for _, id := range ids {
			c.Source("production").Refused(id)
		}
	}
	full := engine.Status{Receiving: engine.ReceivingOpen, Buffer: buffer.Stats{Full: buffer.ErrFull}}
	open := engine.Status{Receiving: engine.ReceivingOpen}
	for name, tc := range map[string]struct {
		engine engine.Status
		play   func(c *lossclock.Clock, m *lossTimes)
		want   []string // level: what; that receiving is off aside
	}{
		"nothing": {open, func(*lossclock.Clock, *lossTimes) {}, nil},
		"one is refused": {full, func(c *lossclock.Clock, m *lossTimes) {
			refuse(c, "1")
			m.passed += 25 * sec
		}, []string{"error: production: 1 delivery with a right signature was refused and has not come again: 2m30s until Smartcar gives it up"}},
		"some are refused": {full, func(c *lossclock.Clock, m *lossTimes) {
			refuse(c, "1")
			m.passed += 120 * sec
			refuse(c, "2", "3")
		}, []string{"error: production: 3 deliveries with a right signature were refused and have not come again: 55s until Smartcar gives the first up"}},
		"events are taken again": {open, func(c *lossclock.Clock, m *lossTimes) {
			refuse(c, "1", "2")
			m.passed += 70 * sec
		}, []string{"warning: production: 2 deliveries with a right signature were refused and have not come again: 1m45s until Smartcar gives the first up"}},
		"the time is over": {full, func(c *lossclock.Clock, m *lossTimes) {
			refuse(c, "1")
			m.passed += 180 * sec
		}, []string{"error: production: 1 delivery with a right signature was refused and has not come again: Smartcar may have given it up"}},
		"all came again": {open, func(c *lossclock.Clock, _ *lossTimes) {
			refuse(c, "1")
			c.Source("production").Stored("1")
		}, nil},
		"one is lost": {open, func(c *lossclock.Clock, m *lossTimes) {
			refuse(c, "1")
			m.passed += time.Hour
		}, []string{"error: production: 1 delivery is lost, refused from 1h00m ago on, the last one given up 56m05s ago"}},
		"lost ones are told for a day": {open, func(c *lossclock.Clock, m *lossTimes) {
			refuse(c, "1", "2")
			m.passed += 24 * time.Hour
		}, []string{"error: production: 2 deliveries are lost, refused from 24h00m ago on, the last one given up 23h56m ago"}},
		"and then no more": {open, func(c *lossclock.Clock, m *lossTimes) {
			refuse(c, "1", "2")
			m.passed += 24*time.Hour + 5*time.Minute
		}, nil},
		"a short downtime": {open, func(c *lossclock.Clock, _ *lossTimes) {
			c.LastAlive(ago(60*sec), nil)
			c.Alive()
		}, nil},
		"a long one": {open, func(c *lossclock.Clock, m *lossTimes) {
			c.LastAlive(ago(600*sec), nil)
			c.Alive()
			m.passed += 3 * time.Minute
		}, []string{"warning: nothing could be received for 10m00s, until 3m00s ago: what Smartcar first sent in the first 7m05s is lost"}},
		"a long one, a day later": {open, func(c *lossclock.Clock, m *lossTimes) {
			c.LastAlive(ago(600*sec), nil)
			c.Alive()
			m.passed += 24*time.Hour + sec
		}, nil},
		"it goes on": {full, func(c *lossclock.Clock, m *lossTimes) {
			c.LastAlive(ago(60*sec), nil)
			m.passed += 10 * sec
		}, []string{"error: nothing could be received for 1m10s, from before Caddy's start on: 1m45s until Smartcar gives up what it sent first"}},
		"it goes on for too long": {full, func(c *lossclock.Clock, m *lossTimes) {
			c.LastAlive(ago(180*sec), nil)
			m.passed += 10 * sec
		}, []string{"error: nothing could be received for 3m10s, from before Caddy's start on: what Smartcar first sent in 15s of it is lost, and more with each second"}},
		"Caddy is about to listen": {open, func(c *lossclock.Clock, _ *lossTimes) { c.LastAlive(ago(60*sec), nil) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := new(lossTimes)
			counts := traffic.Counters{Since: noon, Loss: lossclock.New(m.now, func() time.Duration { return m.passed })}
			counts.Source("production")
			tc.play(counts.Loss, m)
			v := Make(m.now(), tc.engine, &counts, new(DeadLetterWatch), buffer.Limits{}, Receivers{})
			var got []string
			for _, a := range v.Attention {
				if strings.HasPrefix(a.What, "events are refused with 503") {
					continue
				}
				got = append(got, a.Level+": "+a.What)
				if a.Do == "" {
					t.Errorf("%q does not say what to do", a.What)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Of losses that could not be told apart from what came again it is said so.
func TestUncertainLosses(t *testing.T) {
	s := api.Source{Name: "a", Loss: api.Loss{RecentlyLost: 7, LostUncertain: 2, LostSince: noon, LastLost: noon}}
	if got := lostAttention(noon, &s); len(got) != 1 || !strings.Contains(got[0].What, "7 deliveries are lost at most") {
		t.Errorf("%+v", got)
	}
}

// A downtime that is not known is worth a note, for a day.
func TestUnknownDowntimeIsNoted(t *testing.T) {
	m := new(lossTimes)
	counts := traffic.Counters{Since: noon, Loss: lossclock.New(m.now, func() time.Duration { return m.passed })}
	counts.Loss.LastAlive(time.Time{}, errors.New("the note is damaged"))
	for _, tc := range []struct {
		at   time.Duration
		want int
	}{{0, 1}, {24 * time.Hour, 1}, {24*time.Hour + time.Second, 0}} {
		m.passed = tc.at
		v := Make(m.now(), engine.Status{Receiving: engine.ReceivingOpen}, &counts, new(DeadLetterWatch), buffer.Limits{}, Receivers{})
		if len(v.Notices) != tc.want || !v.Healthy || v.Downtime.State != api.DowntimeUnknown {
			t.Errorf("after %v: %+v, downtime %+v", tc.at, v.Notices, v.Downtime)
		}
		if tc.want > 0 && !strings.HasSuffix(v.Notices[0].What, "is not known: the note is damaged") {
			t.Errorf("%+v", v.Notices)
		}
	}
}
