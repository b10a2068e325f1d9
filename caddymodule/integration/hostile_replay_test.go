package integration

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Somebody who has captured a webhook sends the same bytes again and again, before and
// after a restart: each is acknowledged, so that Smartcar's own repeats are, and none is
// delivered again.
func TestHostileReplays(t *testing.T) {
	s := newSite(t)
	h := &hostile{s: s}
	p := s.startAdmin(t)
	var captured []string
	for range 5 {
		id := uuid.NewString()
		body := string(smartcar.Sample{EventID: id, VehicleID: "captured", DeliveryID: id, RecordedAt: time.Now(), Mode: "LIVE"}.VehicleState())
		captured = append(captured, webhookRequest(body, len(body)))
	}
	answers := newTally()
	send := func() {
		parallel(100, 20, func(i int) { answers.add(h.ask(t, captured[i%len(captured)])) })
	}
	send()
	for range 2 {
		p.terminate(t)
		p = s.startAdmin(t)
		send()
	}
	answers.only(t, "200")
	c := s.counted(t)
	if c.Sources[0].Stored != 0 || c.Sources[0].Duplicates != 100 {
		t.Errorf("after the last restart: %d stored and %d duplicates of 100", c.Sources[0].Stored, c.Sources[0].Duplicates)
	}
	// An event behind them shows that the handler has had all.
	last := s.sendEvents(t, "captured", 1)[0]
	var got []string
	waitFor(t, "the last event is delivered", 20*time.Second, func() bool {
		got = s.received(t)
		return len(got) > 0 && got[len(got)-1] == last
	})
	if len(got) != len(captured)+1 {
		t.Errorf("%d deliveries of %d events", len(got)-1, len(captured))
	}
}
