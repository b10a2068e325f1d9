package receiver

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/intake"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/selfcheck"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
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

// serve gives the body of the 200, or why there is none. The order of the checks is part of what is promised: method,
// content type, size, signature, envelope, store.
func (rc *Receiver) serve(w http.ResponseWriter, r *http.Request, o *outcome, s *scratch) (answer, rejection) {
	if f := checkHead(r, rc.MaxSize); f != nil {
		boundRest(w, time.Now().Add(time.Duration(rc.ReadTimeout)))
		return answer{}, rejection{refusal: f}
	}
	f := rc.readBody(s, w, r)
	s.timing.BodyRead()
	if f != nil {
		return answer{}, rejection{refusal: f}
	}
	signature, f := checkSignatureHeader(r)
	if f != nil {
		return answer{}, rejection{refusal: f, signature: signature}
	}
	if signature == "" {
		return rc.serveUnsigned(r, o, s.body)
	}
	index, ok := rc.keys.Verify(s.body, signature)
	if !ok {
		return answer{}, rejection{refusal: refuseMismatch, signature: signature}
	}
	// The answer to a challenge is a right signature of the challenge's own text, and
	// another receiver with this token may answer more than this one.
	if intake.IsChallenge(s.body) {
		return answer{}, rejection{refusal: refuseChallengeBody, signature: signature}
	}
	o.token = index + 1
	rc.counts.Match(o.token)
	matchedAt := rc.tokens[index].Match()

	envelope, err := smartcar.ParseEnvelope(s.body)
	if err == nil && !intake.IsEvent(&envelope) {
		rc.logSignature(r, o, envelope.EventID, smartcar.TypeVerify, envelope.DeliveryID)
		return rc.serveVerify(r, o, &envelope)
	}
	rc.fillEvent(s, r, &envelope, signature, err)
	rc.logSignature(r, o, s.event.ID, s.event.Type, s.event.DeliveryID)
	if rc.age != nil {
		if f := rc.checkAge(r, o, s, envelope.DeliveredAt); f.refusal != nil {
			return answer{}, f
		}
	}
	return rc.serveEvent(r, o, s, matchedAt)
}

// serveUnsigned: the only request that may come without a signature is a VERIFY, and
// to know that it is one, its body has to be read.
func (rc *Receiver) serveUnsigned(r *http.Request, o *outcome, body []byte) (answer, rejection) {
	if len(body) > largestVerify {
		return answer{}, rejection{refusal: refuseNoSignature}
	}
	envelope, err := smartcar.ParseEnvelope(body)
	if err == nil && envelope.IsVerify {
		return rc.serveVerify(r, o, &envelope)
	}
	return answer{}, rejection{refusal: refuseNoSignature, isEvent: err == nil}
}

// serveVerify answers a challenge that cannot be the body of an event. The answer goes
// to the client and nowhere else.
func (rc *Receiver) serveVerify(r *http.Request, o *outcome, e *smartcar.Envelope) (answer, rejection) {
	o.eventType = smartcar.TypeVerify
	if !rc.challenge.Plain(e.Challenge) {
		return answer{}, rejection{refusal: refuseChallenge}
	}
	limit := rc.verifies
	if o.token > 0 {
		limit = rc.signedVerifies
	}
	if wait, ok := limit.allow(clientOf(r), time.Now()); !ok {
		return answer{}, rejection{refusal: refuseVerifyRate, wait: wait}
	}
	o.result = outcomeVerified
	rc.counts.Verified.Add(1)
	rc.logVerified(r, o, e)
	return newAnswer(smartcar.AnswerBody(rc.keys.AnswerChallenge(e.Challenge))), rejection{}
}

// fillEvent makes the event to be stored.
func (rc *Receiver) fillEvent(s *scratch, r *http.Request, e *smartcar.Envelope, signature string, unreadable error) {
	s.event = buffer.Event{
		Source:      rc.Source,
		ReceivedAt:  time.Now(),
		Signature:   signature,
		ContentType: r.Header["Content-Type"][0],
		Body:        s.body,
	}
	intake.Complete(&s.event, e, unreadable)
}

// serveEvent stores the event. matchedAt is what Token.Match has returned.
func (rc *Receiver) serveEvent(r *http.Request, o *outcome, s *scratch, matchedAt time.Duration) (answer, rejection) {
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
		rc.counts.Signed(rc.tokens[o.token-1], matchedAt, isLive(ev.Mode), ev.WebhookID)
		rc.logReceived(r, o, ev)
		return sayStored, rejection{}
	}
}
