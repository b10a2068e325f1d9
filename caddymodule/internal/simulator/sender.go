package simulator

import (
	"cmp"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Result is what came of one attempt.
type Result struct {
	// Seq counts events from 1; the attempts for an event, and its duplicate, have
	// the same.
	Seq int
	// EventID and VehicleID are those of the body; empty where it has none.
	EventID, VehicleID string
	// Type is the eventType or eventName of the body, such as VEHICLE_STATE.
	Type string
	// Attempt is 1 for the first, and Last is set if no other will follow.
	Attempt int
	Last    bool
	Forged  bool
	// Duplicate marks the second delivery of an event.
	Duplicate bool
	// Status is that of the answer, 0 if there was none; Err then says why.
	Status int
	Err    error
	// AnswerCode is "error" of the answer's JSON, else its "status"; empty without.
	AnswerCode string
	// Latency is the time from the start of the request to the end of the answer.
	Latency time.Duration
	// Problem says what is wrong with the answer, "" for one that is as it must be: a
	// 2xx with a receiver's outcome, the right hash for a VERIFY, and a refusal for what is
	// forged.
	Problem string
}

// accepted reports whether the receiver took the event.
func (r Result) accepted() bool { return r.Status >= 200 && r.Status <= 299 }

// sender makes and sends single requests.
type sender struct {
	o      Options
	ids    ids
	poster *Poster
	keys   *smartcar.Keys
	forger *smartcar.Keys
}

func newSender(o Options) *sender {
	return &sender{
		o: o, ids: ids{seed: o.Seed}, poster: newPoster(o),
		keys: smartcar.NewKeys(o.Token), forger: smartcar.NewKeys("forged " + o.Token),
	}
}

func (s *sender) close() { s.poster.Close() }

// send makes one attempt.
func (s *sender) send(ctx context.Context, d delivery) Result {
	body := s.body(d)
	r := Result{
		Seq: d.seq, EventID: d.eventID, VehicleID: d.vehicleID, Type: d.eventType,
		Attempt: d.attempt, Forged: d.forged, Duplicate: d.duplicate,
	}
	a := s.poster.Post(ctx, body, s.signature(d, body))
	r.Status, r.Err, r.AnswerCode, r.Latency = a.Status, a.Err, a.Code, a.Latency
	if a.Err != nil {
		r.Problem = "no answer"
		return r
	}
	r.Problem = s.problem(d, r, a.body, a.header)
	return r
}

func (s *sender) body(d delivery) []byte {
	sample := smartcar.Sample{
		EventID:     d.eventID,
		VehicleID:   d.vehicleID,
		UserID:      d.userID,
		WebhookID:   cmp.Or(s.o.Webhook, s.ids.id(idWebhook, 0, 0)),
		DeliveryID:  s.deliveryID(d),
		DeliveredAt: time.Now(),
		RecordedAt:  d.recordedAt,
		Mode:        s.o.Mode,
		Size:        s.o.Size,
	}
	switch {
	case s.o.Body != nil:
		return s.o.Body
	case s.o.Type == TypeVerify:
		return sample.Verify(d.challenge)
	case s.o.Type == TypeVerifyV2:
		return sample.VerifyV2(d.challenge)
	case s.o.Type == TypeError:
		return sample.VehicleError()
	case s.o.Type == TypeResolved:
		return sample.VehicleErrorResolved()
	}
	return sample.VehicleState()
}

func (s *sender) deliveryID(d delivery) string {
	m := d.attempt
	if d.duplicate {
		m |= 0x80
	}
	return s.ids.id(idDelivery, d.seq, m)
}

// signature returns "" for a VERIFY, which Smartcar was seen to send unsigned; a
// receiver must take it either way.
func (s *sender) signature(d delivery, body []byte) string {
	switch {
	case d.challenge != "":
		return ""
	case d.forged:
		return s.forger.Sign(body)
	}
	return s.keys.Sign(body)
}

// problem says what is wrong with an answer, if something is.
func (s *sender) problem(d delivery, r Result, answer []byte, header http.Header) string {
	switch {
	case d.challenge != "":
		return s.challengeProblem(d, r, answer, header)
	case d.forged && r.accepted():
		return "a forged event was accepted"
	case !d.forged && !r.accepted():
		return "the event was refused"
	case !d.forged && !s.o.Any2xx && !isOutcome(r.AnswerCode, answer):
		return notReceiver
	}
	return ""
}

// notReceiver: a web server that answers 200 to everything has stored nothing.
const notReceiver = "the answer is not that of a smartcar_webhook receiver: is the path of the URL right?" +
	" Behind smartcar_verify answers are the application's own: take --any-2xx"

// isOutcome reports whether an answer tells what became of the event. That to a VERIFY,
// which may be sent as a file, has the challenge's hash instead.
func isOutcome(code string, answer []byte) bool {
	switch code {
	case "stored", "duplicate", "unreadable":
		return true
	}
	var w struct{ Challenge string }
	return json.Unmarshal(answer, &w) == nil && w.Challenge != ""
}

func (s *sender) challengeProblem(d delivery, r Result, answer []byte, header http.Header) string {
	var w struct{ Challenge any }
	_ = json.Unmarshal(answer, &w)
	right := w.Challenge == s.keys.AnswerChallenge(d.challenge)
	if d.forged {
		if right || r.accepted() {
			return "a challenge that is an event's body was answered: the receiver signs whatever it is sent"
		}
		return ""
	}
	mediaType, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case r.Status != http.StatusOK:
		return "a challenge must be answered with status 200"
	case mediaType != "application/json":
		return "the answer to a challenge must have the content type application/json"
	case !right:
		return "the hash in the answer is wrong"
	}
	return ""
}
