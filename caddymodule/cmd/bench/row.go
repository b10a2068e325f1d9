package main

import (
	"context"
	"os"
	"runtime"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/cmd/bench/internal/proc"
)

// row is one line of a comparison.
type row struct {
	name string
	// what it does, for the reader.
	what string
	// pid of the process whose use is the row's.
	pid int
	// load keeps it at work.
	load func(context.Context, effort) (measured, error)
	// syncs says how many it has made so far; nil: it makes none.
	syncs func(context.Context) (uint64, error)
}

// sent is a row that is loaded over the network.
func sent(name, what string, pid int, t target, bodies *bodyMaker) *row {
	return &row{name: name, what: what, pid: pid, load: func(ctx context.Context, e effort) (measured, error) {
		return load(ctx, t, bodies, e)
	}}
}

// phase is what a row did in one turn.
type phase struct {
	rate               float64
	p50, p90, p99, max time.Duration
	answers            int
	elapsed            time.Duration
	// use is the row's process's, with what it put off until after the load; known: there is such a figure here.
	use   proc.Use
	known bool
	// sender is this process's CPU while it sent.
	sender time.Duration
	syncs  uint64
}

// measure loads a row for one phase.
func (r *row) measure(ctx context.Context, e effort) (phase, error) {
	syncsBefore, err := r.syncsSoFar(ctx)
	if err != nil {
		return phase{}, err
	}
	before, known := use(r.pid)
	self, _ := use(os.Getpid())
	m, err := r.load(ctx, e)
	if err != nil {
		return phase{}, err
	}
	after, _ := use(os.Getpid())
	if err := settle(ctx, r.pid, quietAfterLoad); err != nil {
		return phase{}, err
	}
	p := phase{
		rate: m.perSecond(), answers: m.answers, elapsed: m.elapsed, known: known, sender: after.Since(self).CPU,
		p50: percentile(m.latencies, 0.50), p90: percentile(m.latencies, 0.90), p99: percentile(m.latencies, 0.99), max: percentile(m.latencies, 1),
	}
	last, _ := use(r.pid)
	p.use = last.Since(before)
	syncsAfter, err := r.syncsSoFar(ctx)
	p.syncs = syncsAfter - syncsBefore
	return p, err
}

func (r *row) syncsSoFar(ctx context.Context) (uint64, error) {
	if r.syncs == nil {
		return 0, nil
	}
	return r.syncs(ctx)
}

// use is zero and not known for a process that cannot be looked at.
func use(pid int) (u proc.Use, known bool) {
	u, err := proc.Read(pid)
	return u, err == nil
}

// A process counts as quiet when it uses no more than this share of one processor.
const (
	quietShare = 0.05
	quietLook  = 500 * time.Millisecond
	// How long is waited for that, at most.
	quietAfterLoad = 30 * time.Second
	quietAfterFill = 3 * time.Minute
)

// settle waits until a process has done what it put off, such as compactions, so that it
// counts as its own and does not run into the next row's time. It does not wait for ever,
// and not at all where nothing is known of processes.
func settle(ctx context.Context, pid int, limit time.Duration) error {
	before, known := use(pid)
	if !known {
		return ctx.Err()
	}
	ticker := time.NewTicker(quietLook)
	defer ticker.Stop()
	for begun := time.Now(); time.Since(begun) < limit; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		now, known := use(pid)
		if !known || now.Since(before).CPU < time.Duration(quietShare*float64(quietLook)) {
			return nil
		}
		before = now
	}
	return nil
}

// share of the machine's processors that a time of work was.
func share(work, elapsed time.Duration) float64 {
	return work.Seconds() / elapsed.Seconds() / float64(runtime.NumCPU())
}
