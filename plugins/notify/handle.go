package notify

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// handle tells people of a batch of events. An event is done when each of its notices that people are to be told is
// with every target, or is held on disk for the next digest.
func (h *handler) handle(ctx context.Context, events []*sdk.Event) []error {
	ctx, cancel := early(ctx)
	defer cancel()
	errs := make([]error, len(events))
	var list []notice
	of := map[id]int{} // the event of a notice
	replayed := map[id]bool{}
	for i, e := range events {
		var found []notice
		found, errs[i] = h.read(e)
		for _, n := range found {
			of[n.id] = i
			if e.Replay && !h.config.Replays {
				replayed[n.id] = true
			}
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		return errs
	}
	failAll := func(err error) []error {
		for _, i := range of {
			errs[i] = sdk.Unavailable(err)
		}
		return errs
	}
	if err := h.await(ctx); err != nil {
		return failAll(err)
	}
	due, held, err := h.state.decide(list, func(n notice) bool { return replayed[n.id] }, time.Now())
	if err != nil {
		return failAll(err)
	}
	if held || h.state.isFull() {
		h.wake()
	}
	var letters []letter
	for _, n := range list {
		if due[n.id] {
			letters = append(letters, h.letter(n))
			delete(due, n.id) // one event may be twice in a batch
		}
	}
	for j, failed := range deliver(ctx, h.state, h.targets, letters) {
		i := of[letters[j].id]
		errs[i] = worse(errs[i], h.outcome(letters[j].id, failed))
	}
	return errs
}

// read returns what of an event people may be told.
func (h *handler) read(e *sdk.Event) ([]notice, error) {
	isError := e.Type == smartcar.TypeVehicleError
	if !isError && h.templates.condition == nil {
		return nil, nil
	}
	parsed, err := e.Decode()
	if err != nil {
		return nil, sdk.Reject("unreadable", errors.New("the body is not one of an event"))
	}
	var list []notice
	for _, n := range notices(e, parsed, h.code) {
		if h.templates.condition != nil && n.Kind != kindResolved {
			ok, err := holds(h.templates.condition, n.facts)
			if err != nil {
				// What text/template says may quote the event.
				return nil, sdk.Reject("condition", errors.New("the condition cannot be worked out for this event"))
			}
			if !ok {
				continue
			}
		}
		list = append(list, n)
	}
	return list, nil
}

func (h *handler) letter(n notice) letter {
	m, failed := h.templates.message(h.name, n)
	if failed {
		h.failing.Do(func() {
			h.log.Error("title or text cannot be run on an event: the default ones are used; further ones are not logged")
		})
	}
	return letter{n.id, m}
}

// outcome is what becomes of the event of a letter.
func (h *handler) outcome(i id, failed failures) error {
	err := failed.worst()
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, errRefused):
		return sdk.Unavailable(err)
	}
	if failed := h.state.refused(i); failed != nil {
		return sdk.Unavailable(failed)
	}
	return sdk.Reject("refused", err)
}

// worse is the one of two outcomes of one event that counts: it comes again while anything can be told later.
func worse(a, b error) error {
	if a == nil || b != nil && sdk.ResultOf(b).Status == sdk.StatusUnavailable {
		return b
	}
	return a
}

// wake tells the goroutine that sends digests that something is held.
func (h *handler) wake() {
	select {
	case h.held <- struct{}{}:
	default:
	}
}
