package powercut_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// history is the life of one installation, from its first start over power cuts to the
// moment at which everything is settled.
type history struct {
	t      *testing.T
	seed   uint64
	rnd    *rand.Rand // of the main goroutine
	files  [][]handlersfile.Definition
	ledger *ledger
	calm   atomic.Bool

	options  disk.Options
	disk     *vfs.MemFS
	machine  *machine
	life     int
	store    *disk.Buffer
	engine   *engine.Engine
	owner    int // of the config in force
	defs     []handlersfile.Definition
	applying map[string]handlersfile.Definition
	refusals int // processes made that do not start
	removed  string
	since    time.Time // when it was removed

	mu        sync.Mutex
	processes map[string]*process // the newest of each handler

	sent     []*event
	vehicles int
	cuts     int
}

// handlers are those of the handlers files in testdata.
var handlers = []string{"ledger", "archive", "alerts"}

const maxCuts = 4

// drainTimeout is no multiple of anything, so that it does not end at the instant at which a
// call has taken too long: nobody could say which came first, and whether that was an attempt.
const drainTimeout = 2*time.Second + 137911*time.Nanosecond

func newHistory(t *testing.T, seed uint64, files [][]handlersfile.Definition) *history {
	rnd := rand.New(rand.NewPCG(seed, 0))
	names := handlers[:1+rnd.IntN(len(handlers))]
	h := &history{
		t: t, seed: seed, rnd: rnd, ledger: newLedger(names...), disk: vfs.NewCrashableMem(),
		processes: map[string]*process{}, vehicles: 1 + rnd.IntN(6),
	}
	for _, file := range files {
		h.files = append(h.files, file[:len(names)])
	}
	h.options = disk.Options{
		Path:   "/smartcar",
		Limits: disk.Limits{Retention: time.Duration(1+rnd.IntN(3)) * time.Minute},
	}.WithMemTable(uint64(16<<10) << rnd.IntN(4))
	h.defs = h.files[rnd.IntN(len(h.files))]
	return h
}

// play plays the history to its end.
func (h *history) play() {
	h.boot()
	for range 8 + h.rnd.IntN(18) {
		wait := h.send()
		h.pass()
		h.act()
		wait()
		if h.machine.struck() {
			h.comeBack()
		}
		if h.ledger.broken() {
			break
		}
	}
	h.settle()
	h.end()
}

// boot starts the program on the disk, until it is up: the power may go meanwhile.
func (h *history) boot() {
	for !h.tryBoot() {
		h.cuts++
		_ = h.engine.Destruct()
		h.disk = h.machine.image
	}
}

func (h *history) tryBoot() (up bool) {
	ctx := context.Background()
	h.life = h.ledger.current()
	h.machine = newMachine(h.disk, h.ledger, h.rnd)
	if h.cuts < maxCuts && !h.calm.Load() && h.rnd.IntN(5) > 0 {
		h.machine.arm()
	}
	o := &opener{options: h.options, ledger: h.ledger, life: h.life}
	o.options.FS = h.machine.fs()
	h.engine = engine.New(engine.Options{
		Opener: o, NewPlugin: h.newProcess, DrainTimeout: drainTimeout,
		Bundled: func(string) (string, []string, bool) { return "", nil, true }, // nothing is run
	})
	if err := h.engine.Open(ctx); err != nil {
		if !h.machine.struck() {
			h.fail(err)
		}
		return false
	}
	h.store = o.opened
	h.ledger.resync(h.life, h.ledger.look(ctx, h.store))
	h.owner++
	if err := h.apply(h.owner, h.defs); err != nil && !h.machine.struck() {
		h.fail(err)
	}
	h.ledger.applied(ctx, h.life, h.defs, h.engine)
	return !h.machine.struck()
}

// fail ends a history whose program does not start. All goroutines must end with it.
func (h *history) fail(err error) {
	h.ledger.doesNotStart(err)
	_ = h.engine.Destruct()
	h.ledger.report(h.t)
	h.t.FailNow()
}

func (h *history) apply(owner int, defs []handlersfile.Definition) error {
	h.applying = map[string]handlersfile.Definition{}
	for _, def := range defs {
		h.applying[def.Name] = def
	}
	h.refusals = 0
	return h.engine.Apply(context.Background(), owner, defs)
}

// newProcess is called by Apply and Release, one at a time.
func (h *history) newProcess(s pluginhost.Spec) engine.Plugin {
	p := &process{
		ledger: h.ledger, machine: h.machine, life: h.life, handler: s.Handler, def: h.applying[s.Handler],
		seed: h.seed, calm: h.calm.Load, high: map[string]uint64{}, up: make(chan struct{}), ended: make(chan struct{}),
	}
	if p.refuses = !h.calm.Load() && h.rnd.IntN(12) == 0; p.refuses {
		h.refusals++
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.processes[s.Handler] = p
	return p
}

// comeBack starts the program again after the power has gone. What still runs is told to
// end, since a goroutine cannot be ended otherwise; nothing that it does counts.
func (h *history) comeBack() {
	h.cuts++
	_ = h.engine.Destruct()
	h.disk = h.machine.image
	h.boot()
}

// restart stops the program as it should be, and starts it again.
func (h *history) restart() {
	err := h.engine.Destruct()
	if h.machine.struck() {
		h.disk = h.machine.image
		h.cuts++
		h.boot()
		return
	}
	h.ledger.stopped()
	h.ledger.note("stopped: %v", err)
	h.boot()
}

// settle ends all trouble and waits until nothing is open.
func (h *history) settle() {
	h.machine.disarm()
	if h.cuts == 0 {
		h.machine.pull()
	}
	h.calm.Store(true)
	if h.machine.struck() {
		h.comeBack()
	}
	h.putBack()
	for _, name := range h.ledger.handlers {
		h.pause(name, false)
	}
	for range 600 {
		if h.ledger.broken() || h.ledger.open() == 0 && !h.replaying() {
			return
		}
		<-time.After(500 * time.Millisecond)
	}
	h.ledger.unsettled()
}

// end cuts the power once more and lets what is left run: nothing may come again.
func (h *history) end() {
	if !h.ledger.broken() {
		h.machine.pull()
		h.comeBack()
		<-time.After(3 * time.Second)
		synctest.Wait()
		h.ledger.finish(h.ledger.look(context.Background(), h.store))
	}
	if err := h.engine.Destruct(); err != nil {
		h.t.Errorf("seed %d: the end: %v", h.seed, err)
	}
	h.ledger.report(h.t)
}

func (h *history) replaying() bool {
	jobs, err := h.engine.Replays(context.Background())
	if err != nil {
		return false
	}
	for _, j := range jobs {
		if j.State == "running" {
			return true
		}
	}
	return false
}

// pass lets some time go by.
func (h *history) pass() {
	most := 200 * time.Millisecond
	if h.rnd.IntN(10) == 0 {
		most = 20 * time.Second
	}
	<-time.After(time.Duration(h.rnd.Int64N(int64(most))))
}

func (h *history) id() string { return fmt.Sprintf("e%03d", len(h.sent)) }
