package stdio

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// handler gives batches to a program that is ready.
type handler struct {
	program *program
	hello   hello
	raw     bool
}

// errHeld is for an event that must not overtake one before it.
var errHeld = errors.New("waits for an earlier event of the same vehicle")

// handle gives the program what of a batch it wants. After an event that will come again, the program's word on the
// later ones of its lane does not count: they come again too, in order.
func (h *handler) handle(ctx context.Context, events []*sdk.Event) []error {
	errs := make([]error, len(events))
	var indexes []int
	var wanted []*sdk.Event
	for i, e := range events {
		// The host asks for the types too, but one that is older than this plugin does not.
		if len(h.hello.Wants) == 0 || slices.Contains(h.hello.Wants, e.Type) {
			indexes, wanted = append(indexes, i), append(wanted, e)
		}
	}
	if len(wanted) == 0 {
		return errs
	}
	results, err := h.program.ask(ctx, wanted, h.raw)
	held := map[string]bool{}
	for n, i := range indexes {
		switch lane := lane(events[i]); {
		case err != nil:
			errs[i] = err
		case held[lane]:
			errs[i] = errHeld
		default:
			errs[i] = results[n].outcome()
			held[lane] = comesAgain(errs[i])
		}
	}
	return errs
}

func comesAgain(err error) bool {
	status := sdk.ResultOf(err).Status
	return status == sdk.StatusRetry || status == sdk.StatusUnavailable
}

// lane is the sequence in which an event must stay in order, by the host's own rule.
func lane(e *sdk.Event) string {
	if e.VehicleID != "" {
		return "vehicle/" + e.VehicleID
	}
	return "webhook/" + e.WebhookID
}

// wrongNumber is the error of an answer that has not one result for each event.
func wrongNumber(got, want int) error {
	return fmt.Errorf("the program answered %d of %d events; an answer has one result for each event, in their order", got, want)
}
