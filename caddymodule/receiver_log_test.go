package caddymodule

import (
	"context"
	"fmt"
	"net/http"
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
	answer := rc.keys.AnswerChallenge("Qx7mT2vLp9Rk4ZsA")
	for _, r := range []*http.Request{
		request(stateBody, tokenA), request(stateBody, tokenB), request(stateBody, ""), request(stateBody, "some other token"),
		request(verifyBody, ""), request(verifyBody, tokenA), request(verifyBody, "some other token"),
		request(strings.Replace(verifyBody, "Qx7mT2vLp9Rk4ZsA", "Qx7mT2vLp9Rk4ZsA {", 1), ""),
		request(stateBody[:len(stateBody)-1], tokenA),
	} {
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
	if n := rc.counts.snapshot().Refused["signature_mismatch"]; n != 500 {
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

// The state that users report: VERIFY works, LIVE events do not.
func TestAdviceWhenOnlyVerifyWorks(t *testing.T) {
	rc, log := newReceiver(t, stored)
	serve(t, rc, request(verifyBody, ""))
	serve(t, rc, request(stateBody, "an earlier token"))
	if !strings.Contains(log.String(), "VERIFY works but no LIVE event") {
		t.Errorf("log %s", log)
	}
}
