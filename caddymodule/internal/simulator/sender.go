package simulator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
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
	client *http.Client
	keys   *smartcar.Keys
	forger *smartcar.Keys
	own    *http.Transport // nil for a client of the caller
}

func newSender(o Options) *sender {
	s := &sender{o: o, ids: ids{seed: o.Seed}, keys: smartcar.NewKeys(o.Token), forger: smartcar.NewKeys("forged " + o.Token)}
	var client http.Client
	if o.Client != nil {
		client = *o.Client
	} else {
		s.own = &http.Transport{
			Proxy:           http.ProxyFromEnvironment,
			Protocols:       new(http.Protocols),
			TLSClientConfig: o.TLS,
			// The default keeps two connections for later requests and makes new ones for
			// all others, which would measure handshakes.
			MaxIdleConns:        o.Concurrency,
			MaxIdleConnsPerHost: o.Concurrency,
			MaxConnsPerHost:     o.Concurrency,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		}
		s.own.Protocols.SetHTTP1(true)
		client.Transport = s.own
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client = &client
	return s
}

func (s *sender) close() {
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}

// send makes one attempt.
func (s *sender) send(ctx context.Context, d delivery) Result {
	body := s.body(d)
	r := Result{
		Seq: d.seq, EventID: d.eventID, VehicleID: d.vehicleID, Type: d.eventType,
		Attempt: d.attempt, Forged: d.forged, Duplicate: d.duplicate,
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	start := time.Now()
	answer, header, err := s.post(ctx, body, s.signature(d, body), &r)
	r.Latency = time.Since(start)
	if err != nil {
		r.Status, r.Err = 0, withoutURL(err)
		r.Problem = "no answer"
		return r
	}
	r.AnswerCode = answerCode(answer)
	r.Problem = s.problem(d, r, answer, header)
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

// post sends the request, and sets the status of r as soon as it is known.
func (s *sender) post(ctx context.Context, body []byte, signature string, r *Result) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.URL, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Smartcar/simulator")
	if signature != "" {
		req.Header.Set(smartcar.SignatureHeader, signature)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	r.Status = resp.StatusCode
	// Read to the end, so that the connection can be used again.
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	return answer, resp.Header, nil
}

// withoutURL takes off what net/http puts before an error: a URL can hold secrets.
func withoutURL(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		return inURL.Err
	}
	return err
}

func answerCode(answer []byte) string {
	var w struct{ Error, Status any }
	_ = json.Unmarshal(answer, &w)
	for _, code := range []any{w.Error, w.Status} {
		if text, ok := code.(string); ok && isCode(text) {
			return text
		}
	}
	return ""
}

// isCode reports whether s is a code, and not a sentence that may differ from answer to answer.
func isCode(s string) bool {
	if s == "" || len(s) > 48 {
		return false
	}
	for _, c := range []byte(s) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
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
