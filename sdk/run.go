package sdk

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
)

// run passes events to the author's code and returns one result per event, whatever that code does.
func (o opened) run(ctx context.Context, s *instance, events []*Event, maxBatch int) []Result {
	results := make([]Result, 0, len(events))
	if o.one != nil {
		return o.runSingly(ctx, s, events, results)
	}
	for batch := range slices.Chunk(events, maxBatch) {
		results = append(results, o.runBatch(ctx, s, batch)...)
	}
	return results
}

// runSingly keeps the order of a lane: the events behind one that will come again must not overtake it.
func (o opened) runSingly(ctx context.Context, s *instance, events []*Event, results []Result) []Result {
	var held map[string]bool
	for _, e := range events {
		if held[e.lane()] {
			results = append(results, Result{Status: StatusRetry, Error: "waits for an earlier event of the same vehicle"})
			continue
		}
		r := callHandler(context.WithValue(ctx, deliveryKey{}, &delivery{instance: s, event: e}), o.one, e)
		if r.Status == StatusRetry || r.Status == StatusUnavailable {
			if held == nil {
				held = map[string]bool{}
			}
			held[e.lane()] = true
		}
		results = append(results, r)
	}
	return results
}

func (o opened) runBatch(ctx context.Context, s *instance, events []*Event) []Result {
	d := &delivery{instance: s}
	if len(events) == 1 {
		d.event = events[0]
	}
	return callBatch(context.WithValue(ctx, deliveryKey{}, d), o.batch, events)
}

// callHandler also makes the result, because the methods of an error may panic too.
func callHandler(ctx context.Context, h Handler, e *Event) (result Result) {
	defer recovered(ctx, func(panicked error) { result = ResultOf(panicked) })
	return ResultOf(h(ctx, e))
}

func callBatch(ctx context.Context, h BatchHandler, events []*Event) (results []Result) {
	n := len(events)
	defer recovered(ctx, func(panicked error) { results = resultsOf(FailAll(n, panicked)) })
	errs := h(ctx, events)
	if errs == nil {
		return slices.Repeat([]Result{{Status: StatusDone}}, n)
	}
	if len(errs) != n {
		errs = FailAll(n, fmt.Errorf("the handler answered %d of %d events", len(errs), n))
	}
	return resultsOf(errs)
}

func resultsOf(errs []error) []Result {
	results := make([]Result, 0, len(errs))
	for _, err := range errs {
		results = append(results, ResultOf(err))
	}
	return results
}

// recovered turns a panic of the author's code into an error, and logs the stack.
func recovered(ctx context.Context, set func(error)) {
	r := recover()
	if r == nil {
		return
	}
	err := fmt.Errorf("panic: %v", r)
	Logger(ctx).Error("the handler panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	set(err)
}
