package command

import (
	"bytes"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/lossclock"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
)

// A disk that is full: some deliveries wait to come again, others did not come again when it was full before.
func TestStatusScreenOfLosses(t *testing.T) {
	var passed time.Duration
	begun := noon.Add(-50 * time.Hour)
	counts := traffic.Counters{Since: begun, Loss: lossclock.New(
		func() time.Time { return begun.Add(passed) }, func() time.Duration { return passed })}
	counts.Loss.LastAlive(begun.Add(-5*time.Minute), nil)
	counts.Loss.Alive()
	s := counts.Source("production")
	s.Stored.Add(1_200_000)
	refuse := func(before time.Duration, ids ...string) {
		passed = 50*time.Hour - before
		for _, id := range ids {
			s.Loss.Refused(id)
			s.Refuse("buffer_full", noon.Add(-before), false)
			counts.Outage.Refused(noon.Add(-before), buffer.ErrNoSpace)
		}
	}
	refuse(3*time.Hour, "1", "2")
	refuse(62*time.Second, "3", "4", "5")
	passed = 50 * time.Hour
	stats := usualBuffer()
	stats.Full = buffer.ErrNoSpace
	v := status.Make(noon, engine.Status{
		Receiving: engine.ReceivingOpen, Buffer: stats, Handlers: []engine.HandlerStatus{fleetHandler("archive")},
	}, &counts, new(status.DeadLetterWatch), buffer.Limits{MaxSize: 10 << 30}, status.Receivers{})
	v.Version = released
	var out bytes.Buffer
	if err := terminal(&out).status(&v); err != nil {
		t.Fatal(err)
	}
	golden(t, "status-loss", out.String())
}
