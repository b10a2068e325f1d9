package receiver

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// ServeHTTP checks, stores and answers one request.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if proof, ok := rc.nonces.Take(r.Header, selfcheck.Receiver{Source: rc.Source, Config: rc.config}); ok {
		return rc.serveSelfCheck(w, r, proof)
	}
	timing := rc.observed.Begin()
	defer timing.Answered()
	o := new(outcome)
	o.attach(r)
	traffic.MarkServed(r)
	s := rc.scratches.get()
	defer rc.scratches.put(s)
	s.timing = timing
	r, span := beginReceive(r)
	a, f := rc.serve(w, r, o, s)
	rc.endReceive(span, o, s, f)
	if f.refusal != nil {
		return rc.refuse(w, r, o, s, f)
	}
	return writeJSON(w, http.StatusOK, a)
}

// serve gives the body of the 200, or why there is none.
func (rc *Receiver) serve(w http.ResponseWriter, r *http.Request, o *outcome, s *scratch) (answer, rejection) {
	if a, f := rc.admit(w, r, o, s); f.refusal != nil || a.body != nil {
		return a, f
	}
	return rc.serveEvent(r, o, s)
}

// serveEvent stores the event.
func (rc *Receiver) serveEvent(r *http.Request, o *outcome, s *scratch) (answer, rejection) {
	ev := &s.event
	o.eventID, o.eventType, o.vehicleID = ev.ID, ev.Type, ev.VehicleID
	span := beginAppend(r, ev)

	begun := s.timing.Now()
	ctx := s.storing
	if s.storing = nil; ctx == nil {
		ctx = new(storeContext)
	}
	ctx.start(time.Duration(rc.StoreTimeout))
	receipt, err := rc.store.Append(ctx, ev)
	if ctx.stop() {
		s.storing = ctx
	}
	s.timing.Stored(begun)
	endAppend(span, err)
	if err != nil {
		return answer{}, rejection{refusal: storeRefusal(err), err: err}
	}
	rc.counts.Loss.Stored(ev.ID)
	switch {
	case receipt.Duplicate:
		o.result = outcomeDuplicate
		rc.counts.Duplicate.Add(1)
		if receipt.Differs {
			rc.counts.Differs.Add(1)
			rc.logDiffers(r, o, receipt.Kept)
		}
		rc.logReceived(r, o, ev)
		return sayDuplicate, rejection{}
	case ev.Unreadable != "":
		rc.counts.Outage.Stored()
		o.result = outcomeUnreadable
		rc.counts.NoteUnreadable(ev.ReceivedAt)
		rc.logUnreadable(r, o, ev)
		return sayUnreadable, rejection{}
	default:
		rc.counts.Outage.Stored()
		o.result = outcomeStored
		rc.counts.NoteStored(ev.ReceivedAt)
		rc.counts.Signed(rc.tokens[o.token-1], s.matchedAt, isLive(ev.Mode), ev.WebhookID)
		rc.logReceived(r, o, ev)
		return sayStored, rejection{}
	}
}
