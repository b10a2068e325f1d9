package disk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/format"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/internal/store"
)

// trimModel knows what each consumer has not settled, and who has a handler.
type trimModel struct {
	t       *testing.T
	b       *Buffer
	clock   *testClock
	mem     *vfs.MemFS
	rng     *rand.Rand
	last    uint64
	kept    map[string]bool
	open    map[string]buffer.Consumer
	pending map[string]map[uint64]bool
}

// Trims at random moments, with handlers that come and go and power cuts between, never take what a
// consumer with a handler has not settled; and what is accounted for is what is stored.
func TestTrimModel(t *testing.T) {
	for round := range 16 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			m := &trimModel{t: t, rng: rand.New(rand.NewPCG(seed, 1)), mem: vfs.NewCrashableMem(),
				kept: map[string]bool{}, open: map[string]buffer.Consumer{}, pending: map[string]map[uint64]bool{}}
			o := Options{FS: m.mem, Limits: Limits{Retention: 10 * hour, DeadLetterRetention: 30 * hour, MaxSize: 1 << 20}}
			m.b, m.clock = openFor(t, o)
			for _, name := range []string{"a", "b", "c"} {
				m.adopt(name)
			}
			for range 250 {
				m.step()
			}
			m.drain()
		})
	}
}

// adopt gives a consumer a handler, as far as there is none.
func (m *trimModel) adopt(name string) {
	if m.kept[name] {
		return
	}
	if m.open[name] == nil {
		m.open[name] = m.openOrphan(name)
	}
	m.kept[name] = true
	m.keep()
}

// openOrphan opens a consumer that had no handler until now. The keeper trims beside the test, so what it has lost
// shows only now; once it is open, it loses nothing more.
func (m *trimModel) openOrphan(name string) buffer.Consumer {
	m.b.trimming.Lock()
	defer m.b.trimming.Unlock()
	_, there := m.info(name)
	c := openConsumer(m.t, m.b, name)
	if there {
		m.look(name, m.pending[name])
	} else {
		m.pending[name] = map[uint64]bool{}
	}
	return c
}

func (m *trimModel) keep() {
	var names []string
	for name, kept := range m.kept {
		if kept {
			names = append(names, name)
		}
	}
	keepOnly(m.t, m.b, names...)
}

func (m *trimModel) info(name string) (buffer.ConsumerInfo, bool) {
	all, err := m.b.Consumers(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(c buffer.ConsumerInfo) bool { return c.Name == name })
	if i < 0 {
		return buffer.ConsumerInfo{}, false
	}
	return all[i], true
}

func (m *trimModel) step() {
	name := []string{"a", "b", "c"}[m.rng.IntN(3)]
	switch n := m.rng.IntN(100); {
	case n < 35:
		m.append()
	case n < 65:
		m.settle(name)
	case n < 73:
		m.reopen(name)
	case n < 78:
		m.clock.Advance(time.Duration(m.rng.IntN(4)) * hour)
	case n < 86:
		m.trim()
	case n < 89:
		if c := m.open[name]; c != nil {
			closeAll(m.t, c)
			delete(m.open, name)
		}
	case n < 91:
		m.kept[name] = false
		m.keep()
	case n < 95:
		m.adopt(name)
	case n < 97:
		m.crash()
	default:
		m.count()
	}
}

func (m *trimModel) append() {
	r, err := m.b.Append(m.t.Context(), crashEvent(fmt.Sprint(m.last), 100+m.rng.IntN(20000)))
	if err != nil {
		m.trim() // full
		return
	}
	m.last = r.Position
	for _, pending := range m.pending {
		pending[r.Position] = true
	}
}

func (m *trimModel) settle(name string) {
	c := m.open[name]
	if c == nil {
		return
	}
	var leases []buffer.Lease
	var err error
	if c.Stats().Pending > 0 && m.rng.IntN(3) > 0 {
		leases, err = c.Lease(m.t.Context(), buffer.Room{Events: 1 + m.rng.IntN(8)})
	} else {
		leases, err = c.LeaseDeferred(m.t.Context(), fmt.Sprint(m.rng.IntN(2)), buffer.Room{Events: 1 + m.rng.IntN(4)})
	}
	if err != nil {
		m.t.Fatal(err)
	}
	var outcomes []buffer.Outcome
	for _, l := range leases {
		p := l.Event.Position
		if !m.pending[name][p] {
			m.t.Fatalf("%s gets event %d again", name, p)
		}
		o := buffer.Outcome{Position: p, Verb: buffer.Done, Memo: memoOf("k", fmt.Sprint(p))}
		switch m.rng.IntN(5) {
		case 0:
			o.Verb, o.Lane = buffer.Defer, fmt.Sprint(m.rng.IntN(2))
		case 1, 2:
			o.Verb, o.Reason = buffer.Dead, buffer.ReasonRejected
		}
		outcomes = append(outcomes, o)
	}
	if err := c.Settle(m.t.Context(), outcomes...); err != nil {
		m.t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Verb != buffer.Defer {
			delete(m.pending[name], o.Position)
		}
	}
}

func (m *trimModel) reopen(name string) {
	c := m.open[name]
	if c == nil {
		return
	}
	o := buffer.Outcome{Verb: buffer.Reopen, Position: 1 + m.rng.Uint64N(m.last+1), Lane: fmt.Sprint(m.rng.IntN(2))}
	for d, err := range m.b.DeadLetters(m.t.Context(), "") {
		if err != nil {
			m.t.Fatal(err)
		}
		if d.Handler == name && m.rng.IntN(3) == 0 {
			o.Position, o.Letter = d.Event.Position, d.ID
			break
		}
	}
	before := c.Stats().Deferred
	if err := c.Settle(m.t.Context(), o); err != nil {
		m.t.Fatal(err)
	}
	if c.Stats().Deferred > before {
		m.pending[name][o.Position] = true
	}
}

// trim checks that all is there that must be.
func (m *trimModel) trim() {
	if err := m.b.trim(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	for name, pending := range m.pending {
		if _, there := m.info(name); !there {
			if m.kept[name] || m.open[name] != nil {
				m.t.Fatalf("consumer %s is gone", name)
			}
			delete(m.pending, name)
			continue
		}
		m.look(name, pending)
	}
}

// look finds every event that the consumer has not settled. An orphan may have lost some.
func (m *trimModel) look(name string, pending map[uint64]bool) {
	st := m.b.consumerNamed(name)
	for p := range pending {
		err := m.b.use(func(db *store.DB) error {
			_, _, err := st.readEvent(m.b, db, p, lease{deferred: true})
			return err
		})
		if err == nil {
			continue
		}
		if m.kept[name] || m.open[name] != nil {
			m.t.Fatalf("%s has not settled event %d: %v", name, p, err)
		}
		delete(pending, p)
	}
}

func (m *trimModel) crash() {
	m.mem = m.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: m.rng.IntN(100), RNG: m.rng})
	if err := m.b.Close(); err != nil {
		m.t.Fatal(err)
	}
	o := m.b.opts
	o.FS = m.mem
	var err error
	if m.b, err = Open(m.t.Context(), o); err != nil {
		m.t.Fatal(err)
	}
	b := m.b
	m.t.Cleanup(func() { b.Close() })
	clear(m.open)
	m.count()
	for name, kept := range m.kept {
		if kept {
			m.open[name] = openConsumer(m.t, m.b, name)
		}
	}
}

// count compares what is accounted for with what is stored.
func (m *trimModel) count() {
	// The keeper trims beside the test, also between the two looks.
	m.b.trimming.Lock()
	defer m.b.trimming.Unlock()
	var bytes, letters uint64
	deferred := map[string]uint64{}
	err := m.b.use(func(db *store.DB) error {
		it, err := db.NewIter(nil)
		if err != nil {
			return err
		}
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
			switch key := it.Key(); key[0] {
			case format.KindDeadLetter:
				letters++
				bytes += format.Cost(len(it.Value()))
			case format.KindCopy:
				bytes += format.Cost(len(it.Value()))
			case format.KindDeferredAt:
				deferred[string(key[1:len(key)-9])]++
			}
		}
		if err := it.Error(); err != nil {
			return err
		}
		return m.b.events.Scan(m.b.first.Load(), m.b.durable.Load(), func(_ uint64, raw []byte, _ error) bool {
			bytes += format.Cost(len(raw))
			return true
		})
	})
	if err != nil {
		m.t.Fatal(err)
	}
	if s := m.b.Stats(); s.Bytes != bytes || s.DeadLetters != letters {
		m.t.Fatalf("stats are %+v, stored are %d bytes and %d letters", s, bytes, letters)
	}
	for name := range m.pending {
		if info, there := m.info(name); there && info.Deferred != deferred[name] {
			m.t.Fatalf("%s has %d deferred by its stats, stored are %d", name, info.Deferred, deferred[name])
		}
	}
}

// drain has every consumer that is left settle what it should still get, and nothing else.
func (m *trimModel) drain() {
	m.trim()
	m.crash()
	for name, pending := range m.pending {
		m.look(name, pending)
		c := m.open[name]
		if c == nil {
			c = openConsumer(m.t, m.b, name)
		}
		take := func(leases []buffer.Lease, err error) int {
			if err != nil {
				m.t.Fatal(err)
			}
			for _, l := range leases {
				if !pending[l.Event.Position] {
					m.t.Fatalf("%s gets event %d again", name, l.Event.Position)
				}
				delete(pending, l.Event.Position)
			}
			return len(leases)
		}
		for c.Stats().Pending > 0 {
			take(c.Lease(m.t.Context(), buffer.Room{Events: 100}))
		}
		for _, lane := range []string{"0", "1"} {
			for taken := 1; taken > 0; {
				taken = take(c.LeaseDeferred(m.t.Context(), lane, buffer.Room{Events: 100}))
			}
		}
		if len(pending) > 0 {
			m.t.Fatalf("%s never gets %v", name, pending)
		}
	}
	m.count()
}
