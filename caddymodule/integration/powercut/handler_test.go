package powercut_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// process stands for the process of one handler, as package pluginhost shows it to the
// engine: it may not start, end by itself, and be there again later.
type process struct {
	ledger  *ledger
	machine *machine
	life    int
	handler string
	def     handlersfile.Definition
	seed    uint64
	calm    func() bool
	// refuses: it does not start at once.
	refuses bool
	// high is, for each lane, the highest position that was delivered; guarded by the ledger.
	high map[string]uint64

	mu      sync.Mutex
	up      chan struct{} // closed while it takes calls
	ended   chan struct{} // closed when it ends
	crashed bool          // it ended by itself
	running bool
	stopped bool
}

var errRefuses = errors.New("the witness does not start today")

func (p *process) MaxBatch() int               { return 8 }
func (p *process) Wants(eventType string) bool { return eventType != unwantedType }

// Start makes it run, or not.
func (p *process) Start(context.Context) error {
	if p.refuses {
		return errRefuses
	}
	p.run()
	return nil
}

// Supervise has it run in the end.
func (p *process) Supervise() { time.AfterFunc(2*time.Second, p.run) }

func (p *process) State() pluginhost.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pluginhost.State{Up: p.running}
}

// Stop ends it for good.
func (p *process) Stop(context.Context) error {
	p.end(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	return nil
}

func (p *process) run() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running || p.stopped {
		return
	}
	p.running, p.ended = true, make(chan struct{})
	close(p.up)
}

// end ends it; what is in flight has no answer.
func (p *process) end(crash bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running {
		return
	}
	p.running, p.crashed = false, crash
	p.up = make(chan struct{})
	close(p.ended)
}

// crash ends it by itself, and has it be there again later.
func (p *process) crash(after time.Duration) {
	p.end(true)
	time.AfterFunc(after, p.run)
}

func (p *process) Ready(ctx context.Context) error {
	p.mu.Lock()
	up := p.up
	p.mu.Unlock()
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Handle answers as its random numbers say.
func (p *process) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	if !p.ledger.arrive(p, batch) {
		return nil, fmt.Errorf("the power is off: %w", dispatch.ErrDown)
	}
	defer p.ledger.leave(p, batch)
	p.mu.Lock()
	running, ended := p.running, p.ended
	p.mu.Unlock()
	if !running {
		return nil, fmt.Errorf("no process: %w", dispatch.ErrDown)
	}
	rnd := p.chances(batch)
	timer := time.NewTimer(p.latency(rnd))
	defer timer.Stop()
	select {
	case <-p.machine.over:
		return nil, fmt.Errorf("the power is off: %w", dispatch.ErrDown)
	case <-ended:
		return nil, p.lost(batch)
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			p.ledger.each(p, batch, func(_ *event, s *standing) { s.fails(&p.def) })
		}
		return nil, ctx.Err()
	case <-timer.C:
	}
	return p.answer(batch, rnd), nil
}

// lost is what a call gets whose process has ended.
func (p *process) lost(batch []dispatch.Delivery) error {
	p.mu.Lock()
	crashed := p.crashed
	p.mu.Unlock()
	if !crashed {
		return fmt.Errorf("the process was stopped: %w", dispatch.ErrDown)
	}
	p.ledger.each(p, batch, func(_ *event, s *standing) { s.crashed() })
	return fmt.Errorf("the process ended: %w", &dispatch.CrashError{Detail: "exit status 2"})
}

// chances makes the random numbers of a call from what it carries, so that they do not
// depend on which goroutine came first.
func (p *process) chances(batch []dispatch.Delivery) *rand.Rand {
	sum := fnv.New64a()
	for i := range batch {
		fmt.Fprint(sum, p.handler, batch[i].Event.ID, batch[i].Attempt, p.life)
	}
	return rand.New(rand.NewPCG(p.seed, sum.Sum64()))
}

// latency is to the nanosecond, so that two times never end at one instant: then nobody
// could say which came first.
func (p *process) latency(rnd *rand.Rand) time.Duration {
	if !p.calm() {
		switch rnd.IntN(60) {
		case 0:
			return time.Duration(rnd.Int64N(int64(time.Minute)))
		case 1, 2:
			return time.Duration(rnd.Int64N(int64(4 * time.Second)))
		}
	}
	return time.Duration(1 + rnd.Int64N(int64(20*time.Millisecond)))
}

// answer answers each event of a call.
func (p *process) answer(batch []dispatch.Delivery, rnd *rand.Rand) []dispatch.Result {
	var results []dispatch.Result
	calm := p.calm()
	p.ledger.each(p, batch, func(e *event, s *standing) {
		roll := rnd.IntN(24)
		if calm {
			roll += 8
		}
		r := dispatch.Result{Status: dispatch.Done}
		switch roll {
		case 0, 1, 2, 3, 4:
			r = dispatch.Result{Status: dispatch.Retry, Error: "not now"}
			if roll == 4 {
				r.After = 3 * time.Second
			}
			s.fails(&p.def)
			p.ledger.figures.retried++
		case 5:
			r = dispatch.Result{Status: dispatch.Reject, Reason: "bad"}
			s.answer(dead)
			s.attempts++
			s.attemptsThen = s.attempts
		case 6:
			r = dispatch.Result{Status: dispatch.Unavailable, Error: "the database is down"}
		default:
			s.answer(done)
			s.done = true
		}
		p.ledger.say(e.ID, "%s answers %d", p.handler, r.Status)
		results = append(results, r)
	})
	return results
}
