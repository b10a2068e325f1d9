package receiver

import (
	"net/http"
	"strings"
	"testing"
)

// Refused requests that Smartcar may have sent as events are told from what strangers try, which has no signature.
func TestWhatWasMeantAsAnEvent(t *testing.T) {
	signed := func(change func(*http.Request)) *http.Request {
		r := request(stateBody, tokenA)
		change(r)
		return r
	}
	const foreign = "another token of 16 and more"
	for name, tc := range map[string]struct {
		request *http.Request
		code    string
		want    bool
	}{
		"another token":         {request(stateBody, foreign), "signature_mismatch", true},
		"signature malformed":   {signed(func(r *http.Request) { r.Header.Set("SC-Signature", "x") }), "signature_malformed", true},
		"signature removed":     {request(stateBody, ""), "signature_missing", true},
		"too large":             {request(strings.Repeat("x", 2<<10), tokenA), "body_too_large", true},
		"another type":          {signed(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), "unsupported_content_type", true},
		"redirected":            {signed(func(r *http.Request) { r.Method = http.MethodGet }), "method_not_allowed", true},
		"a stranger's probe":    {request(`{"a":1}`, ""), "signature_missing", false},
		"a stranger's GET":      {func() *http.Request { r := request("", ""); r.Method = http.MethodGet; return r }(), "method_not_allowed", false},
		"too large, unsigned":   {request(strings.Repeat("x", 2<<10), ""), "body_too_large", false},
		"a signed challenge":    {request("plainchallenge", tokenA), "body_is_challenge", false},
		"a VERIFY of an oracle": {request(strings.Replace(verifyBody, "Qx7mT2vLp9Rk4ZsA", "{}", 1), ""), "challenge_refused", false},
	} {
		t.Run(name, func(t *testing.T) {
			rc, _ := newReceiver(t, stored, func(rc *Receiver) { rc.MaxSize = 1 << 10 })
			serve(t, rc, tc.request)
			counts := rc.counts.Snapshot()
			if counts.Refused[tc.code] != 1 || counts.LastRefusal != tc.code || counts.LastRefused.IsZero() {
				t.Errorf("%+v", counts)
			}
			if got := rc.counts.Refusals().All == 1; got != tc.want {
				t.Errorf("meant as an event: %v", got)
			}
			serve(t, rc, request(`{"eventId":"e","eventType":"VEHICLE_STATE"}`, tokenA))
			if rc.counts.Refusals().All != 0 {
				t.Error("an event was stored, and still all are refused")
			}
		})
	}
}
