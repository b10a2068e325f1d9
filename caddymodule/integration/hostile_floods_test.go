package integration

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// flood posts so many times, on few connections, as fast as it goes.
func (h *hostile) flood(t *testing.T, times int, body func(i int) string, signature string) *tally {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: h.s.cert.Client(), MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	answers := newTally()
	parallel(times, 32, func(i int) {
		req, err := http.NewRequest(http.MethodPost, h.s.url, strings.NewReader(body(i)))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		if signature != "" {
			req.Header.Set("SC-Signature", signature)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			answers.add("closed")
			return
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		answers.add(strconv.Itoa(resp.StatusCode))
	})
	return answers
}

const floodPerConnection = 5

var floodAttacks = []attack{
	{name: "flood of VERIFY", refused: map[string]int{"verify_rate_limited": 1}, perConnection: true, run: func(t *testing.T, h *hostile) *tally {
		answers := h.flood(t, floodPerConnection*h.n, func(i int) string {
			return fmt.Sprintf(`{"eventType":"VERIFY","data":{"challenge":"challenge-%d"}}`, i)
		}, "").only(t, "200", "429")
		// Somebody with the token is still answered.
		one := `{"eventType":"VERIFY","data":{"challenge":"Qx7mT2vLp9Rk4ZsA"}}`
		if answer := h.ask(t, webhookRequest(one, len(one))); answer != "200" {
			t.Errorf("a signed VERIFY got %s", answer)
		}
		return answers
	}},
	{name: "flood of challenges that are events", refused: map[string]int{"challenge_refused": 1}, perConnection: true, run: func(t *testing.T, h *hostile) *tally {
		body := fmt.Sprintf(`{"eventType":"VERIFY","data":{"challenge":%q}}`, hostileBody)
		return h.flood(t, h.n, func(int) string { return body }, "").only(t, "400")
	}},
	{name: "flood of wrong signatures", refused: map[string]int{"signature_mismatch": floodPerConnection}, perConnection: true, run: func(t *testing.T, h *hostile) *tally {
		return h.flood(t, floodPerConnection*h.n, func(i int) string { return hostileBody + strconv.Itoa(i) }, rightSignature).only(t, "401")
	}},
	{name: "flood of large bodies with wrong signatures", refused: map[string]int{"signature_mismatch": 1}, perConnection: true, run: func(t *testing.T, h *hostile) *tally {
		body := `{"a":"` + strings.Repeat("b", 250<<10) + `"}`
		return h.flood(t, h.n, func(int) string { return body }, rightSignature).only(t, "401")
	}},
	{name: "flood of deep JSON without a signature", refused: map[string]int{"signature_missing": 1}, perConnection: true, run: func(t *testing.T, h *hostile) *tally {
		body := strings.Repeat(`{"a":[`, 2700)
		return h.flood(t, h.n, func(int) string { return body }, "").only(t, "401")
	}},
}
