package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/handlersfile"
)

// runner is one handler at work: its process, its consumer and the dispatcher
// between them.
type runner struct {
	def    handlersfile.Definition
	config dispatch.Config
	plugin plugin
	log    *slog.Logger

	mu         sync.Mutex
	place      string               // where the definition stands, as file:line
	consumer   buffer.Consumer      // nil while it is not open
	dispatcher *dispatch.Dispatcher // nil while nothing is delivered
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
	r.consumer, r.err = c, nil
	return nil
}

// deliver begins to deliver. Where the consumer does not open, it is tried again in
// the background, once a second, until stop.
func (r *runner) deliver(b buffer.Buffer) {
	if err := r.open(context.Background(), b); err == nil {
		r.dispatch()
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
			if r.open(life, b) == nil {
				r.dispatch()
				return
			}
		}
	}()
}

// moved notes that the same definition stands elsewhere now.
func (r *runner) moved(place string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.place = place
}

func (r *runner) dispatch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.consumer == nil || r.dispatcher != nil || r.ended {
		return
	}
	r.dispatcher = dispatch.Start(r.config, r.consumer, r.plugin)
}

// endDelivery takes no more events, waits for those in flight until ctx ends, and
// gives the rest back to the buffer.
func (r *runner) endDelivery(ctx context.Context) error {
	r.mu.Lock()
	r.ended = true
	d, c, retrying, giveUp := r.dispatcher, r.consumer, r.retrying, r.giveUp
	r.mu.Unlock()
	if retrying != nil {
		giveUp()
		<-retrying
	}
	var errs []error
	if d != nil {
		errs = append(errs, d.Stop(ctx))
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
