package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/replay"
)

// runner is one handler at work: its process, its consumer and the dispatcher
// between them.
type runner struct {
	def    handlersfile.Definition
	config dispatch.Config
	plugin Plugin
	log    *slog.Logger
	tally  *tally
	// ownWords: what the plugin says are words of this project.
	ownWords bool

	pausing *sync.Mutex   // the engine's
	begun   chan struct{} // closed when it begins to deliver
	left    chan struct{} // closed when it takes no more events

	mu         sync.Mutex
	place      places               // where the definition stands
	consumer   buffer.Consumer      // nil while it is not open
	loaded     []replay.Job         // what the consumer keeps
	dispatcher *dispatch.Dispatcher // nil while nothing is delivered
	replays    *replay.Jobs         // nil while nothing is delivered
	resumed    bool                 // resumed while nothing was delivered
	err        error                // why the consumer is not open
	ended      bool
	retrying   chan struct{} // closed when the goroutine that opens the consumer ended
	giveUp     context.CancelFunc
}

// open opens the runner's consumer, which creates it durably when it is new.
func (r *runner) open(ctx context.Context, b buffer.Buffer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.consumer != nil || r.ended {
		return nil
	}
	c, err := b.Consumer(ctx, r.def.Name)
	if err != nil {
		r.err = fmt.Errorf("opening the position in the buffer: %w", err)
		return r.err
	}
	loaded, err := replay.Load(ctx, c, r.log)
	if err != nil {
		r.err = errors.Join(err, c.Close())
		return r.err
	}
	r.consumer, r.loaded, r.err = c, loaded, nil
	return nil
}

// deliver begins to deliver. If the buffer fails, it tries again in the background, once a
// second, until stop.
func (r *runner) deliver(b buffer.Buffer) {
	if r.tryDeliver(context.Background(), b) == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Error("handler gets nothing: its events wait; trying again", "handler", r.def.Name, "error", r.err)
	life, giveUp := context.WithCancel(context.Background())
	r.giveUp, r.retrying = giveUp, make(chan struct{})
	go func() {
		defer close(r.retrying)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-life.Done():
				return
			}
			if r.tryDeliver(life, b) == nil {
				return
			}
		}
	}()
}

func (r *runner) tryDeliver(ctx context.Context, b buffer.Buffer) error {
	if err := r.open(ctx, b); err != nil {
		return err
	}
	return r.dispatch(ctx, b)
}

// moved records where the same definition is now.
func (r *runner) moved(now places) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.place = now
}

// dispatch begins to deliver, or begins as paused when an operator has paused the handler.
func (r *runner) dispatch(ctx context.Context, b buffer.Buffer) error {
	r.pausing.Lock()
	defer r.pausing.Unlock()
	paused, err := isPaused(ctx, b, r.def.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = err
		return err
	}
	r.err = nil
	if r.consumer == nil || r.dispatcher != nil || r.ended {
		return nil
	}
	c := r.config
	c.Paused = paused
	r.dispatcher = dispatch.Start(c, r.consumer, r.plugin)
	if r.resumed && !paused {
		r.dispatcher.Resume()
	}
	r.replays = replay.Start(replay.Config{
		Handler:  r.def.Name,
		Source:   b,
		Consumer: r.consumer,
		Feeder:   r.dispatcher,
		Ready:    r.plugin.Ready,
		Wanted:   r.wants,
		Log:      r.log,
	}, r.loaded)
	close(r.begun)
	return nil
}

// pause and resume tell the deliveries what is stored; pausing is held.
func (r *runner) pause() {
	if d := r.delivering(); d != nil {
		d.Pause()
	}
}

func (r *runner) resume() {
	r.mu.Lock()
	d := r.dispatcher
	r.resumed = d == nil
	r.mu.Unlock()
	if d != nil {
		d.Resume()
	}
}

// wants reports whether the plugin would get an event.
func (r *runner) wants(e *buffer.Event) bool {
	return r.plugin.Wants(e.Type) && (r.config.When == nil || r.config.When(e))
}

func isPaused(ctx context.Context, b buffer.Buffer, name string) (bool, error) {
	infos, err := b.Consumers(ctx)
	if err != nil {
		return false, fmt.Errorf("reading whether it is paused: %w", err)
	}
	for _, info := range infos {
		if info.Name == name {
			return !info.PausedSince.IsZero(), nil
		}
	}
	return false, nil
}

// delivering returns the dispatcher, nil while there is none.
func (r *runner) delivering() *dispatch.Dispatcher {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dispatcher
}

// replaying returns the replays, nil while nothing is delivered.
func (r *runner) replaying() *replay.Jobs {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.replays
}

// jobs lists the replays, also those that wait for the deliveries to begin.
func (r *runner) jobs() []replay.Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replays != nil {
		return r.replays.List()
	}
	return slices.Clone(r.loaded)
}

// trouble returns why nothing can be delivered; nil if nothing is wrong.
func (r *runner) trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// endDelivery takes no more events, waits for those in flight until ctx ends, and
// gives the rest back to the buffer. Replays end where they are.
func (r *runner) endDelivery(ctx context.Context) error {
	r.mu.Lock()
	if !r.ended {
		r.ended = true
		close(r.left)
	}
	d, jobs, c, retrying, giveUp := r.dispatcher, r.replays, r.consumer, r.retrying, r.giveUp
	r.mu.Unlock()
	if retrying != nil {
		giveUp()
		<-retrying
	}
	var errs []error
	if d != nil {
		jobs.Close()
		errs = append(errs, d.Stop(ctx)) // which answers a step that a replay waits for
		jobs.Wait(ctx)
	}
	if c != nil {
		if err := c.Close(); err != nil {
			errs = append(errs, fmt.Errorf("closing the position of handler %q: %w", r.def.Name, err))
		}
	}
	return errors.Join(errs...)
}

// stop ends delivery within drain and the process within stop.
func (r *runner) stop(drain, stop context.Context) error {
	return errors.Join(r.endDelivery(drain), r.plugin.Stop(stop))
}
