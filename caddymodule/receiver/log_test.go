package receiver

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Whatever comes in, nothing of a token, a challenge, its answer or a person is logged.
func TestLogsKeepSecrets(t *testing.T) {
	fails := false
	rc, log := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) {
		if fails {
			return buffer.Receipt{}, buffer.ErrFull
		}
		return buffer.Receipt{Duplicate: true, Differs: true}, nil
	})
	rc.stages = switchedTo(everyStage)
	answer := rc.keys.AnswerChallenge("Qx7mT2vLp9Rk4ZsA")
	for _, r := range []*http.Request{
		request(stateBody, tokenA), request(stateBody, tokenB), request(stateBody, ""), request(stateBody, "some other token"),
		request(verifyBody, ""), request(verifyBody, tokenA), request(verifyBody, "some other token"),
		request(strings.Replace(verifyBody, "Qx7mT2vLp9Rk4ZsA", "Qx7mT2vLp9Rk4ZsA {", 1), ""),
		request(stateBody[:len(stateBody)-1], tokenA),
		// The signature of this body is the answer to the challenge.
		request("Qx7mT2vLp9Rk4ZsA", tokenA),
		withSignatures(request(stateBody, ""), tokenA), withSignatures(request(stateBody, ""), tokenA, tokenB),
		request(`{"eventId":"YV1TESTVIN0000001","data":{"mode":"57.70887"},"meta":{"mode":"11.97456"}}`, ""),
		request(`{"eventId":"YV1TESTVIN0000001","mode":"57.70887"}`, "some other token"),
	} {
		rc.limits = logLimits{}
		serve(t, rc, r)
	}
	fails = true
	serve(t, rc, request(stateBody, tokenA))
	if lines := strings.Count(log.String(), "\n"); lines < 8 {
		t.Fatalf("only %d lines: the test sees too little", lines)
	}
	for _, secret := range []string{tokenA, tokenB, answer, "Qx7mT2vLp9Rk4ZsA", "user-secret-1", "YV1TESTVIN", "57.70887", "11.97456"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %q:\n%s", secret, log)
		}
	}
}

func TestRefusedSignaturesDoNotFloodTheLog(t *testing.T) {
	rc, log := newReceiver(t, stored)
	for range 500 {
		serve(t, rc, request(stateBody, "some other token"))
	}
	if lines := strings.Count(log.String(), "\n"); lines < 10 || lines > 20 {
		t.Errorf("%d lines for 500 refusals", lines)
	}
	if n := rc.counts.Snapshot().Refused["signature_mismatch"]; n != 500 {
		t.Errorf("counted %d", n)
	}
	line, _, _ := strings.Cut(log.String(), "\n")
	for _, want := range []string{
		`"event":"signature.failed"`, `"remote_ip":"192.0.2.1"`, fmt.Sprintf(`"payload_bytes":%d`, len(stateBody)),
		smartcar.Sign("some other token", []byte(stateBody)), `"check":"compare the tokens`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("line %s lacks %s", line, want)
		}
	}
}

func withSignatures(r *http.Request, values ...string) *http.Request {
	r.Header["Sc-Signature"] = values
	return r
}

// What a refused request says of itself is logged only in the form that it should have.
func TestClaims(t *testing.T) {
	const id = "0b5f0f0e-6a0d-4c58-9f57-3d0a2f1b7c11"
	digest := strings.Repeat("0123456789abcdef", 4)
	for _, tc := range []struct {
		name, signature, body string
		has, lacks            []string
	}{
		{"as from Smartcar", digest, `{"eventId":"` + id + `","meta":{"mode":"LIVE"}}`,
			[]string{`"signature":"` + digest + `"`, `"claimed_event_id":"` + id + `"`, `"claimed_mode":"LIVE"`}, []string{"signature_length"}},
		{"version 2.0", digest, `{"mode":"test","payload":{"eventId":"` + strings.ToUpper(id) + `"}}`,
			[]string{`"claimed_event_id":"` + strings.ToUpper(id) + `"`, `"claimed_mode":"TEST"`}, nil},
		{"a token for a signature", tokenA, `{}`, []string{`"signature_length":36`}, []string{`"signature":`, tokenA, "claimed_"}},
		{"other texts", digest, `{"eventId":"` + id + `x","meta":{"mode":"LIVELY"}}`, nil, []string{"claimed_"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rc, log := newReceiver(t, stored)
			serve(t, rc, withSignatures(request(tc.body, ""), tc.signature))
			for _, want := range append(tc.has, "signature.failed") {
				if !strings.Contains(log.String(), want) {
					t.Errorf("no %s in %s", want, log)
				}
			}
			for _, not := range tc.lacks {
				if strings.Contains(log.String(), not) {
					t.Errorf("%s in %s", not, log)
				}
			}
		})
	}
}

// No kind of refusal hides another in the log, whichever is sent without end.
func TestFloodHidesNoOtherRefusal(t *testing.T) {
	kinds := map[string]func() *http.Request{
		"signature_missing":   func() *http.Request { return request(stateBody, "") },
		"signature_mismatch":  func() *http.Request { return request(stateBody, "some other token") },
		"signature_malformed": func() *http.Request { return withSignatures(request(stateBody, ""), "x") },
		"signature_repeated":  func() *http.Request { return withSignatures(request(stateBody, ""), "x", "y") },
		"body_is_challenge":   func() *http.Request { return request("Qx7mT2vLp9Rk4ZsA", tokenA) },
		"challenge_refused":   func() *http.Request { return request(strings.Replace(verifyBody, "Qx7", "{", 1), "") },
		"verify_rate_limited": func() *http.Request { return request(verifyBody, "") },
		"method_not_allowed":  func() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) },
	}
	for flood, floods := range kinds {
		t.Run(flood, func(t *testing.T) {
			rc, log := newReceiver(t, stored, func(rc *Receiver) { rc.Verify = &Verify{Rate: 0.001, Burst: 1} })
			serve(t, rc, request(verifyBody, "")) // the only one that is answered
			for range 200 {
				serve(t, rc, floods())
			}
			for code, other := range kinds {
				if code == flood {
					continue
				}
				for range 8 {
					serve(t, rc, other())
				}
				if n := strings.Count(log.String(), `"code":"`+code+`"`); n != 8 {
					t.Errorf("%d lines of 8 refusals with %s", n, code)
				}
			}
			if n := strings.Count(log.String(), `"code":"`+flood+`"`); n < 10 || n > 12 {
				t.Errorf("%d lines of the flood", n)
			}
		})
	}
}

// What may come without end leaves a few lines, whatever it is: somebody may send again what was captured.
func TestFloodsOfAnswersDoNotFloodTheLog(t *testing.T) {
	rc, log := newReceiver(t, func(context.Context, *buffer.Event) (buffer.Receipt, error) {
		return buffer.Receipt{Duplicate: true, Differs: true}, nil
	}, func(rc *Receiver) { rc.Verify = &Verify{Rate: 1000, Burst: 1000} })
	for range 200 {
		serve(t, rc, request(stateBody, tokenA))
		serve(t, rc, request(verifyBody, ""))
	}
	for _, event := range []string{"webhook.duplicate_differs", "webhook.verified"} {
		if n := strings.Count(log.String(), `"`+event+`"`); n < 10 || n > 14 {
			t.Errorf("%d lines of %s", n, event)
		}
	}
}

// The state that users report: VERIFY works, LIVE events do not.
func TestAdviceWhenOnlyVerifyWorks(t *testing.T) {
	rc, log := newReceiver(t, stored)
	serve(t, rc, request(verifyBody, ""))
	serve(t, rc, request(stateBody, "an earlier token"))
	if !strings.Contains(log.String(), "VERIFY works but no LIVE event") {
		t.Errorf("log %s", log)
	}
}
