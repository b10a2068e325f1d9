package integration

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// step is one thing that happens to a Caddy.
type step func(t *testing.T, e *edge)

// one sends webhooks one after another.
func one(list ...webhook) step {
	return func(t *testing.T, e *edge) {
		t.Helper()
		for _, p := range list {
			p.send(t, e)
		}
	}
}

// together sends webhooks at once.
func together(list ...webhook) step {
	return func(t *testing.T, e *edge) {
		t.Helper()
		var wg sync.WaitGroup
		for _, p := range list {
			wg.Go(func() { p.send(t, e) })
		}
		wg.Wait()
	}
}

func restart(t *testing.T, e *edge) {
	t.Helper()
	e.stop(t)
	e.start(t)
}

// event is the body of an event of version 4; rest is added to its data and meta.
func event(id, eventType, data, meta string) string {
	return fmt.Sprintf(`{"eventId":%q,"eventType":%q,"data":{"vehicle":{"id":"car-1"}%s},"meta":{"version":"4.0","mode":"LIVE"%s}}`,
		id, eventType, data, meta)
}

func state(id, data string) string { return event(id, "VEHICLE_STATE", data, "") }

func vehicleError(id, data string) string { return event(id, "VEHICLE_ERROR", data, "") }

// good is a webhook that is stored.
func good(body string) webhook {
	return webhook{body: body, token: newToken, status: http.StatusOK, code: "stored"}
}

func duplicate(body string) webhook {
	return webhook{body: body, token: newToken, status: http.StatusOK, code: "duplicate"}
}

// bad is a webhook with everything right but for what the row changes.
func bad(status int, code string, change func(*webhook)) webhook {
	p := good(state("bad", ""))
	p.status, p.code = status, code
	change(&p)
	return p
}

const (
	challenge = "Qx7mT2vLp9Rk4ZsA"
	// answer is what the first token makes of challenge.
	answer = `{"challenge":"1665fbb920ddd1f58916ab4515e11a3c78730e14cfc4b8bc4cb8a34c46febbb0"}`
)

func verify(challenge string) string {
	return fmt.Sprintf(`{"eventId":"v","eventType":"VERIFY","data":{"challenge":%q},"meta":{"version":"4.0"}}`, challenge)
}

func verifyV2(challenge string) string {
	return fmt.Sprintf(`{"version":"2.0","webhookId":"w","eventName":"verify","payload":{"challenge":%q}}`, challenge)
}

// gzipped is a text as gzip makes it.
func gzipped(text string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	// A strings.Builder takes everything.
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func signal(meta string) string {
	return `,"signals":[{"code":"odometer-traveleddistance","body":{"value":1},"meta":{` + meta + `},"status":{"value":"SUCCESS"}}]`
}

// bodyOf returns an event of exactly n bytes.
func bodyOf(id string, n int) string {
	empty := state(id, `,"pad":""`)
	return state(id, `,"pad":"`+strings.Repeat("x", n-len(empty))+`"`)
}

// edgeCases are one Caddy each: what happens to it, and the events and dead letters
// that are in its buffer afterwards, by id and in order.
var edgeCases = []struct {
	name    string
	config  edgeConfig
	steps   []step
	events  []string
	letters int
	// anyOrder: the events were sent at once.
	anyOrder bool
	// stored, if set, is the body of the only event.
	stored string
}{
	// What Smartcar sends.
	{name: "same eventId twice at once", steps: []step{together(
		webhook{body: state("e", ""), token: newToken, status: http.StatusOK},
		webhook{body: state("e", ""), token: newToken, status: http.StatusOK},
	)}, events: []string{"e"}},
	{name: "retry with a new deliveryId", steps: []step{one(
		good(event("e", "VEHICLE_STATE", "", `,"deliveryId":"d-1","deliveredAt":1763626510233`)),
		duplicate(event("e", "VEHICLE_STATE", "", `,"deliveryId":"d-2","deliveredAt":1763626535233`)),
	), logged("duplicate_differs", false)}, events: []string{"e"}},
	{name: "same eventId with other data", steps: []step{one(
		good(state("e", signal(`"oemUpdatedAt":1`))), duplicate(state("e", signal(`"oemUpdatedAt":2`))),
	), logged("duplicate_differs", true)}, events: []string{"e"}, letters: 1},
	{name: "same fault under two eventIds", steps: []step{one(
		good(vehicleError("e-1", `,"errors":[{"type":"PERMISSION","code":null,"state":"ERROR"}]`)),
		good(vehicleError("e-2", `,"errors":[{"type":"PERMISSION","code":null,"state":"ERROR"}]`)),
	)}, events: []string{"e-1", "e-2"}},
	{name: "older oemUpdatedAt after newer", steps: []step{one(
		good(state("newer", signal(`"oemUpdatedAt":1763626501000`))), good(state("older", signal(`"oemUpdatedAt":1763626401000`))),
	)}, events: []string{"newer", "older"}},
	{name: "equal times with other sequence", steps: []step{one(
		good(event("e-1", "VEHICLE_STATE", signal(`"oemUpdatedAt":1763626501000`), `,"sequence":1763626509990`)),
		good(event("e-2", "VEHICLE_STATE", signal(`"oemUpdatedAt":1763626501000`), `,"sequence":1763626509991`)),
	)}, events: []string{"e-1", "e-2"}},
	{name: "oemUpdatedAt 0", steps: []step{one(good(state("e", signal(`"oemUpdatedAt":0,"retrievedAt":0`))))}, events: []string{"e"}},
	{name: "STATE and ERROR of one vehicle at once", steps: []step{together(
		good(state("e-1", signal(`"oemUpdatedAt":1`))), good(vehicleError("e-2", `,"errors":[]`)),
	)}, events: []string{"e-1", "e-2"}, anyOrder: true},
	{name: "FIRST_DELIVERY", steps: []step{one(
		good(strings.Replace(state("e-1", ""), `"meta"`, `"triggers":[{"type":"FIRST_DELIVERY"}],"meta"`, 1)),
		good(state("e-2", `,"triggers":[{"code":"FIRST_DELIVERY"}]`)),
	)}, events: []string{"e-1", "e-2"}},
	{name: "all signals in ERROR", steps: []step{one(good(state("e",
		`,"signals":[{"code":"diagnostics-dtccount","status":{"value":"ERROR","error":{"type":"PERMISSION","code":null}}}]`)))}, events: []string{"e"}},
	{name: "empty signals", steps: []step{one(good(state("e", `,"signals":[]`)))}, events: []string{"e"}},
	{name: "errors with mixed ERROR and RESOLVED", steps: []step{one(good(vehicleError("e",
		`,"errors":[{"type":"VEHICLE_STATE","code":"ASLEEP","state":"ERROR"},{"type":"PERMISSION","code":null,"state":"RESOLVED"}]`)))}, events: []string{"e"}},
	{name: "RESOLVED without a known ERROR", steps: []step{one(good(vehicleError("e",
		`,"errors":[{"type":"VEHICLE_STATE","code":"UNREACHABLE","state":"RESOLVED"}]`)))}, events: []string{"e"}},
	{name: "null code", steps: []step{one(good(vehicleError("e",
		`,"errors":[{"type":"PERMISSION","code":null,"state":"ERROR","resolution":{"type":null}}]`)))}, events: []string{"e"}},
	{name: "signals as strings", steps: []step{one(good(vehicleError("e",
		`,"errors":[{"type":"COMPATIBILITY","code":"VEHICLE_NOT_CAPABLE","signals":["ConnectivityStatus.IsOnline"]}]`)))}, events: []string{"e"}},
	{name: "unknown event type", steps: []step{one(good(event("e", "VEHICLE_TELEPORTED", "", "")))}, events: []string{"e"}},
	{name: "version 2.0 by payload.eventId", steps: []step{one(
		good(`{"version":"2.0","webhookId":"w","eventName":"eventBased","mode":"live","payload":{"eventId":"e","vehicleId":"v"}}`),
	)}, events: []string{"e"}},
	{name: "without any eventId, twice", steps: []step{one(
		good(`{"eventType":"VEHICLE_STATE","data":{}}`), duplicate(`{"eventType":"VEHICLE_STATE","data":{}}`),
	)}, events: []string{smartcar.BodyDigest([]byte(`{"eventType":"VEHICLE_STATE","data":{}}`))}},

	// Signatures.
	{name: "missing signature", steps: []step{one(bad(401, "signature_missing", func(p *webhook) { p.token = "" }))}},
	{name: "wrong signature", steps: []step{one(bad(401, "signature_mismatch", func(p *webhook) { p.token = otherToken }))}},
	{name: "wrong length", steps: []step{one(
		bad(401, "signature_malformed", func(p *webhook) { p.signatures = []string{smartcar.Sign(newToken, []byte(p.body))[:63]} }),
		bad(401, "signature_malformed", func(p *webhook) { p.signatures = []string{""} }),
		bad(401, "signature_malformed", func(p *webhook) {
			p.signatures = []string{"sha256=" + smartcar.Sign(newToken, []byte(p.body))}
		}),
	)}},
	{name: "upper-case hex", steps: []step{one(func() webhook {
		p := good(state("e", ""))
		p.signatures = []string{strings.ToUpper(smartcar.Sign(newToken, []byte(p.body)))}
		return p
	}())}, events: []string{"e"}},
	{name: "signature by the old key", steps: []step{one(
		webhook{body: state("e", ""), token: oldToken, status: http.StatusOK, code: "stored"},
	), logged(`"token":2`, true)}, events: []string{"e"}},
	{name: "two signature headers", steps: []step{one(bad(401, "signature_repeated", func(p *webhook) {
		right := smartcar.Sign(newToken, []byte(p.body))
		p.signatures = []string{right, right}
	}))}},

	// Bodies.
	{name: "body with blanks", steps: []step{one(good("{ \"eventId\": \"e\",\n\t\"eventType\" : \"VEHICLE_STATE\" }\n"))},
		events: []string{"e"}, stored: "{ \"eventId\": \"e\",\n\t\"eventType\" : \"VEHICLE_STATE\" }\n"},
	{name: "UTF-8 text", steps: []step{one(good(state("e", `,"nickname":"Käfer 🚗 A<B>&C 17.0"`)))},
		events: []string{"e"}, stored: state("e", `,"nickname":"Käfer 🚗 A<B>&C 17.0"`)},
	{name: "body of 50 KB", steps: []step{one(good(bodyOf("e", 51200)))}, events: []string{"e"}, stored: bodyOf("e", 51200)},
	{name: "body as large as the cap", steps: []step{one(good(bodyOf("e", 256<<10)))}, events: []string{"e"}, stored: bodyOf("e", 256<<10)},
	{name: "body over the cap", steps: []step{one(
		bad(413, "body_too_large", func(p *webhook) { p.body = bodyOf("e", 256<<10+1) }),
		bad(413, "body_too_large", func(p *webhook) { p.body, p.chunked = bodyOf("e", 256<<10+1), true }),
	)}},
	{name: "body of unknown length", steps: []step{one(func() webhook {
		p := good(bodyOf("e", 100<<10))
		p.chunked = true
		return p
	}())}, events: []string{"e"}, stored: bodyOf("e", 100<<10)},
	{name: "slow-loris body", config: edgeConfig{Receiver: "read_timeout 200ms"}, steps: []step{dripping}},
	{name: "slow-loris body, traced", config: edgeConfig{Receiver: "read_timeout 200ms", Site: "tracing"}, steps: []step{dripping}},
	{name: "client closing early", steps: []step{hangingUp, one(good(state("e", "")))}, events: []string{"e"}},
	{name: "bad JSON with a right signature", steps: []step{one(
		webhook{body: `{"eventId":"e",`, token: newToken, status: http.StatusOK, code: "unreadable"},
		webhook{body: `[]`, token: newToken, status: http.StatusOK, code: "unreadable"},
		webhook{body: `[]`, token: newToken, status: http.StatusOK, code: "duplicate"},
		webhook{body: ``, token: newToken, status: http.StatusOK, code: "unreadable"},
	)}, letters: 3},
	{name: "bad JSON with a wrong signature", steps: []step{one(bad(401, "signature_mismatch", func(p *webhook) { p.body, p.token = "{", otherToken }))}},
	{name: "bad JSON without a signature", steps: []step{one(bad(401, "signature_missing", func(p *webhook) { p.body, p.token = "{", "" }))}},

	// Requests.
	{name: "wrong method", steps: []step{one(
		bad(405, "method_not_allowed", func(p *webhook) { p.method = http.MethodGet }),
		bad(405, "method_not_allowed", func(p *webhook) { p.method = http.MethodPut }),
		bad(405, "method_not_allowed", func(p *webhook) { p.method = http.MethodOptions }),
	)}},
	{name: "wrong content type", steps: []step{one(
		bad(415, "unsupported_content_type", func(p *webhook) { p.contentType = "text/plain" }),
		bad(415, "unsupported_content_type", func(p *webhook) { p.header = http.Header{"Content-Type": nil} }),
	)}},
	{name: "content type with a charset", steps: []step{one(func() webhook {
		p := good(state("e", ""))
		p.contentType = "Application/Json; charset=ISO-8859-1"
		return p
	}())}, events: []string{"e"}},
	{name: "gzip body", steps: []step{one(bad(415, "unsupported_content_encoding", func(p *webhook) {
		p.body, p.header = gzipped(p.body), http.Header{"Content-Encoding": {"gzip"}}
	}))}},

	// VERIFY.
	{name: "VERIFY v2 and v4", steps: []step{one(
		webhook{body: verify(challenge), status: http.StatusOK, answer: answer},
		webhook{body: verifyV2(challenge), status: http.StatusOK, answer: answer},
	)}},
	{name: "VERIFY with a right signature", steps: []step{one(
		webhook{body: verify(challenge), token: newToken, status: http.StatusOK, answer: answer},
		// The first token answers, whichever signed.
		webhook{body: verify(challenge), token: oldToken, status: http.StatusOK, answer: answer},
	)}},
	{name: "VERIFY with a wrong signature", steps: []step{one(
		webhook{body: verify(challenge), token: otherToken, status: http.StatusUnauthorized, code: "signature_mismatch"},
	)}},
	{name: "VERIFY with a JSON text as challenge", steps: []step{one(
		webhook{body: verify(state("forged", "")), status: http.StatusBadRequest, code: "challenge_refused"},
		webhook{body: verify(`{}`), status: http.StatusBadRequest, code: "challenge_refused"},
		webhook{body: verify(`{"eventType":1}`), token: newToken, status: http.StatusBadRequest, code: "challenge_refused"},
	)}},
	{name: "signed VERIFY without a challenge is an event", steps: []step{one(
		good(event("e-1", "VERIFY", "", "")),
		good(event("e-2", "VERIFY", `,"challenge":{"text":"no string"}`, "")),
		duplicate(event("e-1", "VERIFY", "", "")),
	)}, events: []string{"e-1", "e-2"}},
	{name: "VERIFY with empty challenge", steps: []step{one(
		webhook{body: verify(""), status: http.StatusBadRequest, code: "challenge_refused"},
		webhook{body: `{"eventType":"VERIFY"}`, status: http.StatusBadRequest, code: "challenge_refused"},
	)}},
	{name: "VERIFY more often than allowed", config: edgeConfig{Receiver: "verify_rate 0.001 2"}, steps: []step{one(
		webhook{body: verify(challenge), status: http.StatusOK, answer: answer},
		webhook{body: verify(challenge), status: http.StatusOK, answer: answer},
		webhook{body: verify(challenge), status: http.StatusTooManyRequests, code: "verify_rate_limited"},
		// Events do not wait for it.
		good(state("e", "")),
	)}, events: []string{"e"}},

	// The store.
	{name: "store down", config: edgeConfig{Buffer: "headroom 1EiB"}, steps: []step{one(
		bad(503, "buffer_full", func(*webhook) {}),
		// A VERIFY needs no store.
		webhook{body: verify(challenge), status: http.StatusOK, answer: answer},
	)}},
	{name: "crash after store before answer", steps: []step{one(good(state("e", ""))), restart, one(duplicate(state("e", "")))}, events: []string{"e"}},
}

func TestEdgeCases(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	for _, tc := range edgeCases {
		t.Run(tc.name, func(t *testing.T) {
			e := startEdge(t, tc.config)
			for _, step := range tc.steps {
				step(t, e)
			}
			c := e.read(t)
			c.check(t, tc.events, tc.anyOrder, tc.letters)
			if tc.stored != "" && (len(c.events) != 1 || string(c.events[0].Body) != tc.stored) {
				t.Error("the stored bytes are not those that were sent")
			}
		})
	}
}
