package receiver

import (
	"net/http"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/intake"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// admit gives the answer to a VERIFY, or why a request is refused; neither for an event, which is then in s.event and is
// for the caller to store or to pass on. The order of the checks is part of what is promised: method, content type, size,
// signature, envelope.
func (g *Gate) admit(w http.ResponseWriter, r *http.Request, o *outcome, s *scratch) (answer, rejection) {
	if f := checkHead(r, g.MaxSize); f != nil {
		boundRest(w, time.Now().Add(time.Duration(g.ReadTimeout)))
		return answer{}, rejection{refusal: f}
	}
	f := g.readBody(s, w, r)
	s.timing.BodyRead()
	if f != nil {
		return answer{}, rejection{refusal: f}
	}
	signature, f := checkSignatureHeader(r)
	if f != nil {
		return answer{}, rejection{refusal: f, signature: signature}
	}
	if signature == "" {
		return g.serveUnsigned(r, o, s.body)
	}
	index, ok := g.keys.Verify(s.body, signature)
	if !ok {
		return answer{}, rejection{refusal: refuseMismatch, signature: signature}
	}
	// The answer to a challenge is a right signature of the challenge's own text, and
	// another receiver with this token may answer more than this one.
	if intake.IsChallenge(s.body) {
		return answer{}, rejection{refusal: refuseChallengeBody, signature: signature}
	}
	o.token = index + 1
	g.counts.Match(o.token)
	s.matchedAt = g.tokens[index].Match()

	envelope, err := smartcar.ParseEnvelope(s.body)
	if err == nil && !intake.IsEvent(&envelope) {
		g.logSignature(r, o, envelope.EventID, smartcar.TypeVerify, envelope.DeliveryID)
		return g.serveVerify(r, o, &envelope)
	}
	g.fillEvent(s, r, &envelope, signature, err)
	g.logSignature(r, o, s.event.ID, s.event.Type, s.event.DeliveryID)
	if g.age != nil {
		if f := g.checkAge(r, o, s, envelope.DeliveredAt); f.refusal != nil {
			return answer{}, f
		}
	}
	return answer{}, rejection{}
}

// serveUnsigned: the only request that may come without a signature is a VERIFY, and
// to know that it is one, its body has to be read.
func (g *Gate) serveUnsigned(r *http.Request, o *outcome, body []byte) (answer, rejection) {
	if len(body) > largestVerify {
		return answer{}, rejection{refusal: refuseNoSignature}
	}
	envelope, err := smartcar.ParseEnvelope(body)
	if err == nil && envelope.IsVerify {
		return g.serveVerify(r, o, &envelope)
	}
	return answer{}, rejection{refusal: refuseNoSignature, isEvent: err == nil}
}

// serveVerify answers a challenge that cannot be the body of an event. The answer goes
// to the client and nowhere else.
func (g *Gate) serveVerify(r *http.Request, o *outcome, e *smartcar.Envelope) (answer, rejection) {
	o.eventType = smartcar.TypeVerify
	if !g.challenge.Plain(e.Challenge) {
		return answer{}, rejection{refusal: refuseChallenge}
	}
	limit := g.verifies
	if o.token > 0 {
		limit = g.signedVerifies
	}
	if wait, ok := limit.allow(clientOf(r), time.Now()); !ok {
		return answer{}, rejection{refusal: refuseVerifyRate, wait: wait}
	}
	o.result = outcomeVerified
	g.counts.Verified.Add(1)
	g.logVerified(r, o, e)
	return newAnswer(smartcar.AnswerBody(g.keys.AnswerChallenge(e.Challenge))), rejection{}
}

// fillEvent makes the event to be stored.
func (g *Gate) fillEvent(s *scratch, r *http.Request, e *smartcar.Envelope, signature string, unreadable error) {
	s.event = buffer.Event{
		Source:      g.Source,
		ReceivedAt:  time.Now(),
		Signature:   signature,
		ContentType: r.Header["Content-Type"][0],
		Body:        s.body,
	}
	intake.Complete(&s.event, e, unreadable)
}
