package buffertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// model is what a buffer must look like from outside, kept in plain maps.
type model struct {
	f      *fixture
	rng    *rand.Rand
	events []string // id at position-1; "" for an unreadable one
	dead   []deadKey
	hands  map[string]*modelConsumer
	// ever: there was a consumer.
	ever bool
}

type deadKey struct {
	Handler  string
	Position uint64
}

type modelConsumer struct {
	name     string
	open     buffer.Consumer
	memos    map[string]string
	paused   time.Time
	orphaned time.Time
	start    uint64
	settled  map[uint64]bool
	deferred map[uint64]buffer.Outcome
	leased   map[uint64]bool
}

// testModel makes random calls and compares every answer with the model's.
func testModel(t *testing.T, f *fixture) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := &model{f: f, rng: rand.New(rand.NewPCG(seed, 1)), hands: map[string]*modelConsumer{}}
	for range 600 {
		switch n := m.rng.IntN(100); {
		case n < 30:
			m.append()
		case n < 34:
			m.appendAgain()
		case n < 52:
			m.lease()
		case n < 72:
			m.settle()
		case n < 80:
			m.leaseDeferred()
		case n < 86:
			m.reopenEvents()
		case n < 88:
			m.reopenLetter()
		case n < 89:
			m.dropLetter()
		case n < 91:
			m.pauseConsumer()
		case n < 92:
			m.keepConsumers()
		case n < 93:
			m.forgetConsumer()
		case n < 95:
			m.reopenConsumer()
		case n < 97:
			f.crash()
			m.forget()
		case n < 98:
			f.reopen()
			m.forget()
		default:
			m.check()
		}
		f.clock.Advance(time.Millisecond)
	}
	m.check()
}

func (m *model) append() {
	id := fmt.Sprint(len(m.events))
	e := Event(id)
	e.VehicleID = fmt.Sprint(m.rng.IntN(5))
	if m.rng.IntN(20) == 0 {
		e.Unreadable = "odd"
	}
	r, err := m.f.Append(m.f.ctx, e)
	m.events = append(m.events, id)
	m.f.equal("receipts", buffer.Receipt{Position: uint64(len(m.events))}, r)
	if err != nil {
		m.f.t.Fatal(err)
	}
	if e.Unreadable != "" {
		m.events[len(m.events)-1] = ""
		m.dead = append(m.dead, deadKey{"", r.Position})
	}
}

func (m *model) appendAgain() {
	if len(m.events) == 0 {
		return
	}
	i := m.rng.IntN(len(m.events))
	r, err := m.f.Append(m.f.ctx, Event(fmt.Sprint(i)))
	if err != nil {
		m.f.t.Fatal(err)
	}
	m.f.equal("receipts of a duplicate", buffer.Receipt{Position: uint64(i + 1), Duplicate: true}, r)
}

// pick returns one of three consumers, opening it if it is not.
func (m *model) pick() *modelConsumer {
	name := fmt.Sprintf("c%d", m.rng.IntN(3))
	c, ok := m.hands[name]
	if !ok {
		c = &modelConsumer{
			name: name, memos: map[string]string{},
			settled: map[uint64]bool{}, deferred: map[uint64]buffer.Outcome{}, leased: map[uint64]bool{},
		}
		if m.ever {
			c.start = uint64(len(m.events))
		}
		m.ever = true
		m.hands[name] = c
	}
	if c.open == nil {
		c.open = m.f.consumer(name)
	}
	return c
}

// fresh lists what a Lease may hand out.
func (m *model) fresh(c *modelConsumer) []uint64 {
	var all []uint64
	for p := c.start + 1; p <= uint64(len(m.events)); p++ {
		_, deferred := c.deferred[p]
		if m.events[p-1] != "" && !c.settled[p] && !c.leased[p] && !deferred {
			all = append(all, p)
		}
	}
	return all
}

func (m *model) lease() {
	c := m.pick()
	want := m.fresh(c)
	if len(want) == 0 {
		return
	}
	leases, err := c.open.Lease(m.f.ctx, buffer.Room{Events: 1 + m.rng.IntN(10)})
	if err != nil {
		m.f.t.Fatal(err)
	}
	m.f.equal("leased positions", want[:len(leases)], positions(leases))
	for _, l := range leases {
		if id := m.events[l.Event.Position-1]; l.Event.ID != id {
			m.f.t.Fatalf("event %d has id %q, want %q", l.Event.Position, l.Event.ID, id)
		}
		m.f.equal("retry of a fresh event", buffer.Retry{}, l.Retry)
		c.leased[l.Event.Position] = true
	}
}

func (m *model) settle() {
	c := m.pick()
	var outcomes []buffer.Outcome
	for p := range c.leased {
		if m.rng.IntN(2) == 0 {
			outcomes = append(outcomes, m.outcome(p))
		}
	}
	slices.SortFunc(outcomes, func(a, b buffer.Outcome) int { return int(a.Position) - int(b.Position) })
	if m.rng.IntN(3) == 0 {
		outcomes = append(outcomes, buffer.Outcome{Verb: buffer.PutMemo, Memo: m.memo()})
	}
	m.f.settle(c.open, outcomes...)
	for _, o := range outcomes {
		c.note(o.Memo)
		if o.Verb == buffer.PutMemo {
			continue
		}
		delete(c.leased, o.Position)
		delete(c.deferred, o.Position)
		switch o.Verb {
		case buffer.Defer:
			c.deferred[o.Position] = o
			continue
		case buffer.Dead:
			m.dead = append(m.dead, deadKey{c.name, o.Position})
		}
		c.settled[o.Position] = true
	}
}

func (m *model) outcome(p uint64) buffer.Outcome {
	o := m.verdict(p)
	if m.rng.IntN(3) == 0 {
		o.Memo = m.memo()
	}
	return o
}

func (m *model) verdict(p uint64) buffer.Outcome {
	switch m.rng.IntN(6) {
	case 0:
		return buffer.Outcome{Position: p, Verb: buffer.Skip}
	case 1:
		return buffer.Outcome{Position: p, Verb: buffer.Dead, Reason: buffer.ReasonExhausted, Retry: retryOf(int(p % 60))}
	case 2, 3:
		return deferTo(fmt.Sprint(m.rng.IntN(3)), p, m.rng.IntN(60))
	default:
		return buffer.Outcome{Position: p, Verb: buffer.Done}
	}
}

// inLane lists a lane's deferred events that are not leased.
func (c *modelConsumer) inLane(lane string) []uint64 {
	var all []uint64
	for p, o := range c.deferred {
		if o.Lane == lane && !c.leased[p] {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
}

func (m *model) leaseDeferred() {
	c := m.pick()
	lane := fmt.Sprint(m.rng.IntN(3))
	n := 1 + m.rng.IntN(4)
	want := c.inLane(lane)
	want = want[:min(n, len(want))]
	leases := m.f.leaseDeferred(c.open, lane, n)
	m.f.equal("deferred positions", want, positions(leases))
	for _, l := range leases {
		m.f.equal("retry", c.deferred[l.Event.Position].Retry, l.Retry)
		c.leased[l.Event.Position] = true
	}
}

func (m *model) reopenConsumer() {
	c := m.pick()
	if err := c.open.Close(); err != nil {
		m.f.t.Fatal(err)
	}
	c.open = nil
	clear(c.leased)
}

// forget is what a crash or a restart does.
func (m *model) forget() {
	for _, c := range m.hands {
		c.open = nil
		clear(c.leased)
	}
}
