package selfcheck

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// every is how long after a round in which all is well the next one is.
	every = time.Minute
	// firstPause and longestPause bound the pauses after a round in which something is not.
	firstPause   = 100 * time.Millisecond
	longestPause = 15 * time.Second
	// settling is how long after the start of a config what fails is not told: its listeners may come after this app,
	// and at a reload the config before answers for a moment.
	settling = 3 * time.Second
)

// Options say what a Watch asks.
type Options struct {
	Targets []Target
	Nonces  *Nonces
	// Config is that of the receivers.
	Config any
	// Own is told the address, at its own end, of each connection that is made.
	Own func(net.Addr)
}

// Watch asks receivers, soon and then each minute, until it is stopped.
type Watch struct {
	ask    func(context.Context, Target) Result
	cancel context.CancelFunc
	done   chan struct{}

	// failed are the targets that failed when they were asked last.
	failed []bool

	mu      sync.Mutex
	results []Result
}

// Start begins to ask.
func Start(opts Options) *Watch {
	a := &asker{nonces: opts.Nonces, config: opts.Config, own: opts.Own}
	return start(opts.Targets, a.ask)
}

func start(targets []Target, ask func(context.Context, Target) Result) *Watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watch{ask: ask, cancel: cancel, done: make(chan struct{})}
	for _, t := range targets {
		w.results = append(w.results, Result{Target: t, State: Pending})
	}
	w.failed = make([]bool, len(targets))
	if len(targets) == 0 {
		cancel()
		close(w.done)
		return w
	}
	go w.run(ctx)
	return w
}

// Stop ends it, and a question under way. It may be called more than once, and of nil.
func (w *Watch) Stop() {
	if w == nil {
		return
	}
	w.cancel()
	<-w.done
}

// Results are the latest ones, of each target. Of nil there are none.
func (w *Watch) Results() []Result {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.results)
}

func (w *Watch) run(ctx context.Context) {
	defer close(w.done)
	begun, pause := time.Now(), firstPause
	for {
		wait := every
		if well := w.round(ctx, begun); well {
			pause = firstPause
		} else {
			wait, pause = pause, min(2*pause, longestPause)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// round asks each target once, and reports whether there is no need to hurry.
func (w *Watch) round(ctx context.Context, begun time.Time) (well bool) {
	well = true
	for i, before := range w.Results() {
		r := w.ask(ctx, before.Target)
		if ctx.Err() != nil {
			return true
		}
		settled := r.At.Sub(begun) >= settling
		// While a config settles, the one before may end connections without an answer, of which nothing can be told.
		unsure := r.State == Unchecked && before.Unchecked == "" && !settled
		well = well && !r.State.Fails() && r.State != Pending && !unsure
		// One failure may be a busy moment: the next question follows at once, and tells.
		early := unsure || r.State.Fails() && (!settled || !w.failed[i])
		w.failed[i] = r.State.Fails()
		if r.State == Pending || early {
			continue
		}
		w.mu.Lock()
		w.results[i] = r
		w.mu.Unlock()
	}
	return well
}
