package command

import (
	"bytes"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const (
	oldToken = "7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30"
	newToken = "c2d4e6f8-0a1b-4c3d-8e5f-112233445566"
)

// signedSource is a source whose tokens matched events, with a clock of the test's.
type signedSource struct {
	traffic.Counters
	*traffic.Source
	passed time.Duration
	tokens []*traffic.Token
}

func newSignedSource(tokens ...string) *signedSource {
	s := &signedSource{Counters: traffic.Counters{Since: noon.Add(-50 * time.Hour)}}
	s.Passed = func() time.Duration { return s.passed }
	s.Source = s.Counters.Source("production")
	s.load(tokens...)
	return s
}

func (s *signedSource) load(tokens ...string) {
	s.tokens = s.Tokens("production", tokens)
	s.PutInForce(traffic.Accepted{"production": {s.tokens}})
}

// sign has a token match LIVE events, a while before noon of the first day of March.
func (s *signedSource) sign(token, n int, mode string, before time.Duration) {
	s.passed = 50*time.Hour - before
	for range n {
		s.Signed(s.tokens[token-1], s.tokens[token-1].Match(), mode == smartcar.ModeLive, "w-1")
		s.NoteStored(noon.Add(-before))
	}
}

func (s *signedSource) status() api.Status {
	s.passed = 50 * time.Hour
	return status.Make(noon, engine.Status{
		Receiving: engine.ReceivingOpen, Buffer: usualBuffer(), Handlers: []engine.HandlerStatus{fleetHandler("archive")},
	}, &s.Counters, new(status.DeadLetterWatch), buffer.Limits{MaxSize: 10 << 30}, status.Receivers{})
}

// The end of a rotation: the old token is named.
func TestStatusScreenOfARotation(t *testing.T) {
	s := newSignedSource(oldToken)
	s.sign(1, 1204, smartcar.ModeLive, 40*time.Hour)
	s.load(newToken, oldToken)
	s.sign(2, 8, smartcar.ModeLive, 26*time.Hour)
	s.sign(1, 4211, smartcar.ModeLive, 2*time.Second)
	v := s.status()
	var out bytes.Buffer
	if err := terminal(&out).status(&v); err != nil {
		t.Fatal(err)
	}
	golden(t, "status-rotation", out.String())
}

// VERIFY passes and TEST events do, and each LIVE event is refused.
func TestStatusScreenOfRefusedLiveEvents(t *testing.T) {
	s := newSignedSource(newToken)
	s.Verified.Add(1)
	s.sign(1, 2, smartcar.ModeTest, 10*time.Minute)
	for i := range 8 {
		at := noon.Add(time.Duration(i-8) * 25 * time.Second)
		s.Refuse("signature_mismatch", at, true)
		s.RefusedLive(at, "w-1")
	}
	v := s.status()
	var out bytes.Buffer
	if err := terminal(&out).status(&v); err != nil {
		t.Fatal(err)
	}
	golden(t, "status-live", out.String())
}

func TestTokensOfSeveralReceivers(t *testing.T) {
	s := newSignedSource(newToken)
	other := s.Tokens("production", []string{oldToken})
	s.PutInForce(traffic.Accepted{"production": {s.tokens, other}})
	s.sign(1, 3, smartcar.ModeLive, time.Minute)
	v := s.status()
	want := "production: receiver 1 token 1 matched 3 (last 11:59:00)," +
		" receiver 2 token 1 matched nothing since 02-27 10:00:00"
	if got := terminal(new(bytes.Buffer)).tokensLine(&v, &v.Sources[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.load(newToken)
	v = s.status()
	if got := terminal(new(bytes.Buffer)).tokensLine(&v, &v.Sources[0]); got != "" {
		t.Errorf("of a single token: %s", got)
	}
}
