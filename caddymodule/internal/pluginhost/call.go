package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/handlerv1"
)

// Ready blocks until the process is up, or ctx ends. A process that was up may be gone again
// at the next call; Handle reports that.
func (p *Plugin) Ready(ctx context.Context) error {
	p.mu.Lock()
	up := p.up
	p.mu.Unlock()
	select {
	case <-up:
		return nil
	default:
	}
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Handle delivers a batch. The error is a *dispatch.CrashError, wrapped, when the
// process ended by itself during the call, or was killed because it did not answer its health
// checks; dispatch.ErrDown when there is no process or the host ended it; and
// context.DeadlineExceeded when ctx ended first. Any other failure is the batch's own: every
// delivery of it is then a Retry that says why.
func (p *Plugin) Handle(ctx context.Context, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	inst := p.acquire()
	if inst == nil {
		return nil, fmt.Errorf("plugin of handler %q is not running: %w", p.spec.Handler, dispatch.ErrDown)
	}
	defer inst.inflight.Done()

	n := fits(batch)
	results, err := p.call(ctx, inst, batch[:n])
	if err != nil {
		return nil, err
	}
	for rest := batch[n:]; len(rest) > 0; rest = batch[len(results):] {
		if !allSettled(results) {
			return append(results, waiting(len(rest))...), nil
		}
		part, err := p.call(ctx, inst, rest[:fits(rest)])
		if err != nil {
			return nil, err
		}
		results = append(results, part...)
	}
	return results, nil
}

// allSettled reports whether none of the events will come again, so that those after them may
// be delivered without overtaking.
func allSettled(results []dispatch.Result) bool {
	return !slices.ContainsFunc(results, func(r dispatch.Result) bool {
		return r.Status != dispatch.Done && r.Status != dispatch.Reject
	})
}

func waiting(n int) []dispatch.Result {
	return slices.Repeat([]dispatch.Result{{Status: dispatch.Retry,
		Error: "waits for earlier events of a batch too large for one message"}}, n)
}

// acquire is current for a call: Stop waits for it until inflight is done.
func (p *Plugin) acquire() *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inst == nil {
		return nil
	}
	p.inst.inflight.Add(1)
	return p.inst
}

func (p *Plugin) call(ctx context.Context, inst *instance, batch []dispatch.Delivery) ([]dispatch.Result, error) {
	if inst.proc.isGone() {
		// It never had this batch, so something else ended it. Ready must not still find the
		// dead process.
		p.awaitExit(ctx, inst)
		return nil, fmt.Errorf("process of handler %q is gone: %w", p.spec.Handler, dispatch.ErrDown)
	}
	answer := answerCodec{CodecV2: inst.codec, events: len(batch)}
	resp, err := inst.handler.Handle(withTrace(ctx), toRequest(batch), answer.options()...)
	if err == nil {
		inst.answered()
		return toResults(resp.GetResults(), len(batch)), nil
	}
	if answer.wrong != nil {
		err = answer.wrong
	} else {
		err = p.callError(ctx, inst, err)
	}
	if errors.Is(err, dispatch.ErrDown) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("plugin of handler %q: %w", p.spec.Handler, err)
	}
	inst.answered()
	return unfinished(len(batch), err.Error()), nil
}

// callError says what a failed call means: the process is gone, the time was up,
// or the plugin answered with an error of its own.
func (p *Plugin) callError(ctx context.Context, inst *instance, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("no answer in time: %w", ctx.Err())
	case inst.proc.isGone(), inst.closing.Load(), status.Code(err) == codes.Unavailable:
		return p.lostCall(ctx, inst)
	case status.Code(err) == codes.DeadlineExceeded:
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	s := status.Convert(err)
	text := fmt.Sprintf("%s: %s", s.Code(), s.Message())
	if s.Code() == codes.ResourceExhausted {
		text += fmt.Sprintf("; an answer may have %d bytes for each event of the call", maxResultBytes)
	}
	return fmt.Errorf("the plugin failed the call: %s", text)
}

// fits returns how many deliveries from the front of batch go into one message.
func fits(batch []dispatch.Delivery) int {
	const room = handlerv1.MaxMessageBytes - 64<<10
	size := 0
	for n, d := range batch {
		// The headers and ids of an event are far below this.
		const overhead = 4 << 10
		size += len(d.Event.Body) + len(d.Event.Signature) + len(d.Event.ContentType) + overhead
		if size > room && n > 0 {
			return n
		}
	}
	return len(batch)
}
