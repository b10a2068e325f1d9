package notify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// The rule in other words: what a person would write down about one error, in the order in which events come.
type model struct {
	newest     int // seconds at which the newest event was sent
	any        bool
	open, told bool
	toldAt     time.Time
}

func (m *model) expect(isError bool, seconds int, now time.Time) []string {
	if m.any && seconds < m.newest {
		return nil
	}
	m.any, m.newest = true, seconds
	if !isError {
		wasTold := m.open && m.told
		m.open, m.told = false, false
		if wasTold {
			return []string{over}
		}
		return nil
	}
	if m.open && m.told && now.Sub(m.toldAt) < 5*time.Minute {
		return nil
	}
	m.open, m.told, m.toldAt = true, true, now
	return []string{said}
}

// Whatever the order of ERROR and RESOLVED, their times, repetitions, outages and restarts, what is told is what the
// model says.
func TestAnyOrderAgainstTheModel(t *testing.T) {
	rounds := uint64(8)
	if testing.Short() {
		rounds = 4
	}
	for seed := range rounds {
		synctest.Test(t, func(t *testing.T) {
			choice := rand.New(rand.NewPCG(seed, 1))
			r := newRig(t, nil)
			m := &model{}
			var story []string
			var before []*sdk.Event
			for i := range 30 {
				time.Sleep(time.Duration(choice.IntN(200)) * time.Second)
				if len(before) > 0 && choice.IntN(6) == 0 {
					e := before[choice.IntN(len(before))]
					story = append(story, e.ID+" again")
					r.want(e, sdk.StatusDone) // nothing is told of it twice
					continue
				}
				isError, seconds := choice.IntN(2) == 0, 10*i+choice.IntN(60)
				e := resolved(fmt.Sprint(i), "car", seconds)
				if isError {
					e = failed(fmt.Sprint(i), "car", seconds)
				}
				e.Position = uint64(i + 1)
				before = append(before, e)
				story = append(story, fmt.Sprintf("%v at %d", isError, seconds))
				want := m.expect(isError, seconds, time.Now())
				if len(want) > 0 && choice.IntN(3) == 0 {
					for _, p := range r.places {
						p.failWith(errDown)
					}
					r.want(e, sdk.StatusUnavailable)
					for _, p := range r.places {
						p.failWith(nil)
					}
				}
				if choice.IntN(4) == 0 {
					r.restart()
				}
				r.want(e, sdk.StatusDone, want...)
				if t.Failed() {
					t.Fatalf("seed %d: %q", seed, story)
				}
			}
			if got := r.places[1].titles(); slices.ContainsFunc(got, func(s string) bool { return s != said && s != over }) {
				t.Errorf("the other one got %q", got)
			}
		})
	}
}

// A clock that is set back holds nothing back.
func TestClockSetBack(t *testing.T) {
	p := policy{window: time.Hour, resolved: resolvedTold}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r, tell := p.next(record{}, notice{Kind: kindError, at: at, id: id{1}}, at)
	if !tell {
		t.Fatal("the first one is not told")
	}
	if _, tell = p.next(r, notice{Kind: kindError, at: at, id: id{2}}, at.Add(-24*time.Hour)); !tell {
		t.Error("a clock that was set back holds it back")
	}
	m := meter{Start: at, Sent: 1}
	if _, ok := m.take(at.Add(-time.Hour), rateBlock{Max: 1, Per: time.Minute}); !ok {
		t.Error("a clock that was set back holds messages back")
	}
}
