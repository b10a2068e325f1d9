package receiver

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/quarantine"
)

// emptyBuffer is all that the quarantine needs of one.
type emptyBuffer struct{ buffer.Buffer }

func (emptyBuffer) Stats() buffer.Stats   { return buffer.Stats{} }
func (emptyBuffer) Limits() buffer.Limits { return buffer.Limits{DedupeWindow: time.Hour} }

type noKeys struct{}

func (noKeys) Verify(string, []byte, string) (int, bool) { return 0, false }
func (noKeys) Same(any) bool                             { return true }

// Only what has a signature that could be right is kept, byte for byte, although the memory of its body is used again.
func TestKeepsMismatches(t *testing.T) {
	const foreign = "another token of 16 and more"
	q := quarantine.New(t.TempDir(), slog.New(slog.DiscardHandler))
	q.Set(quarantine.Settings{On: true}, noKeys{})
	q.Opened(emptyBuffer{})
	rc, _ := newReceiver(t, stored, func(rc *Receiver) { rc.Source = "production" })
	rc.quarantine = q
	first := request(stateBody, foreign)
	first.RemoteAddr = "203.0.113.7:4711"
	serve(t, rc, first)
	for _, r := range []struct{ body, token string }{
		{`{"eventId":"e","eventType":"VEHICLE_STATE"}`, tokenA}, {`{"a":1}`, ""}, {"plainchallenge", tokenA}, {"plainchallenge", foreign},
		{verifyBody, foreign}, {stateBody, foreign}, {verifyBody, ""},
	} {
		next := request(r.body, r.token)
		next.RemoteAddr = "203.0.113.8:4711"
		serve(t, rc, next)
	}
	malformed := request(stateBody, foreign)
	malformed.Header.Set("SC-Signature", "x")
	serve(t, rc, malformed)
	if err := q.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	list, _, err := q.List(t.Context(), quarantine.Pick{}, "", 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v: %+v", err, list)
	}
	d, err := q.Show(t.Context(), list[0].ID)
	if err != nil || !bytes.Equal(d.Body, []byte(stateBody)) || d.Source != "production" || d.Network != "203.0.113.0/24" ||
		d.Code != "signature_mismatch" || d.Signature != first.Header.Get("SC-Signature") || d.ContentType != first.Header.Get("Content-Type") {
		t.Errorf("%v: %+v", err, d.Kept)
	}
}

// Off, refusing makes nothing more than before.
func TestQuarantineIsOff(t *testing.T) {
	q := quarantine.New(t.TempDir(), slog.New(slog.DiscardHandler))
	if q.Takes() || (*quarantine.Store)(nil).Takes() {
		t.Error("it takes something")
	}
}
