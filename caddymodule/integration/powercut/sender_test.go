package powercut_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// sending is one attempt of a sender.
type sending struct {
	e     *event
	pause time.Duration
	// gone: the sender goes away without an answer.
	gone bool
}

// send has some senders send events side by side: new ones, the same once more, and those
// that got no answer before. It returns a function that waits for them.
func (h *history) send() (wait func()) {
	var wg sync.WaitGroup
	eng, life := h.engine, h.life
	senders := 1 + h.rnd.IntN(4)
	plans := make([][]sending, senders)
	for i := range plans {
		for range 1 + h.rnd.IntN(3) {
			plans[i] = append(plans[i], sending{h.pick(), time.Duration(h.rnd.IntN(5_000_000)), h.rnd.IntN(40) == 0})
		}
	}
	for _, plan := range plans {
		wg.Go(func() {
			for _, s := range plan {
				if s.pause > 2*time.Millisecond {
					<-time.After(s.pause)
				}
				ctx, cancel := context.WithCancel(context.Background())
				if s.gone {
					go cancel()
				}
				e := s.e.Event
				e.ReceivedAt = time.Now()
				r, err := eng.Append(ctx, &e)
				cancel()
				switch {
				case err == nil:
					h.ledger.answered(life, s.e, r)
				case !errors.Is(err, context.Canceled) && !errors.Is(err, buffer.ErrClosed):
					h.ledger.refused(life, s.e, err)
				}
			}
		})
	}
	return wg.Wait
}

// bubbleBegan is when the clock of a synctest bubble begins.
var bubbleBegan = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// pick takes an event that was sent before, or writes a new one.
func (h *history) pick() *event {
	if n := len(h.sent); n > 0 && h.rnd.IntN(4) == 0 {
		e := h.sent[h.rnd.IntN(n)]
		if h.rnd.IntN(2) == 0 {
			e = h.sent[n-1-h.rnd.IntN(min(n, 6))] // perhaps one that is on its way
		}
		return e
	}
	body := fmt.Sprintf(`{"eventId":%q,"eventType":"VEHICLE_STATE","data":{"signals":[{"code":"soc","body":{"value":1},"meta":{"oemUpdatedAt":%d},"status":{"value":"SUCCESS"}}]},"filler":%q}`,
		h.id(), bubbleBegan.UnixMilli()+h.rnd.Int64N(1000), strings.Repeat("x", h.rnd.IntN(1+h.rnd.IntN(2000))))
	e := &event{Event: buffer.Event{
		Source: "fleet", ID: h.id(), Type: "VEHICLE_STATE", Mode: "LIVE", VehicleID: vehicle(h.rnd.IntN(h.vehicles)),
		Signature: fmt.Sprintf("%064x", len(h.sent)), ContentType: "application/json", Digest: uint64(len(h.sent)), Body: []byte(body),
	}}
	switch h.rnd.IntN(20) {
	case 0:
		e.Mode = unwantedMode
	case 1:
		e.Type = unwantedType
	case 2:
		e.Unreadable = "it is not an object"
	}
	h.sent = append(h.sent, e)
	h.ledger.write(e)
	return e
}

func vehicle(n int) string { return fmt.Sprintf("v%d", n) }
