package app

import (
	"log/slog"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/keyring"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// tokenWorld is an engine whose configs have tokens, with a clock of the test's.
type tokenWorld struct {
	*sharedEngine
	passed time.Duration
}

func newTokenWorld(t *testing.T) *tokenWorld {
	t.Helper()
	w := &tokenWorld{sharedEngine: newSharedEngine(slog.DiscardHandler, "", nil)}
	w.engine = engine.New(engine.Options{Opener: stuckOpener{}})
	t.Cleanup(func() { _ = w.engine.Destruct() })
	w.counts.Passed = func() time.Duration { return w.passed }
	return w
}

// begin starts a config whose receiver has one token.
func (w *tokenWorld) begin(name, token string) {
	accepted := traffic.Accepted{}
	accepted.Add("production", w.counts.Tokens("production", []string{token}))
	keys := new(keyring.Ring)
	keys.Add("production", smartcar.NewKeys(token))
	w.enter(startedConfig{
		owner: name, log: slog.DiscardHandler, opener: stuckOpener{}, bodyMemory: 1 << 20, accepted: accepted, keys: keys,
	})
	w.started(name)
}

func (w *tokenWorld) end(t *testing.T, name string) {
	t.Helper()
	if err := w.leave(name); err != nil {
		t.Fatal(err)
	}
}

// want compares how many LIVE events were refused in a row, and for how long the one token has been in force.
func (w *tokenWorld) want(t *testing.T, streak uint64, since time.Duration) {
	t.Helper()
	uses := w.counts.TokenUses("production")
	if got := w.counts.Source("production").Live().Streak.All; got != streak || len(uses) != 1 || uses[0].Since != since {
		t.Errorf("a streak of %d, tokens %+v; want %d, and one for %s", got, uses, streak, since)
	}
}

// A config that has started and is refused after all, since another app of Caddy does not start, changes nothing of
// what is known of tokens and refused LIVE events; one that takes the place of the config before it does.
func TestTokensAreThoseOfTheConfigInForce(t *testing.T) {
	const day = 24 * time.Hour
	w := newTokenWorld(t)
	w.begin("first", "a token of the first")
	w.passed = day - time.Hour
	for range 20 {
		w.counts.Source("production").RefusedLive(time.Now(), "")
	}
	w.want(t, 20, day-time.Hour)

	w.begin("refused", "a token of the refused")
	w.want(t, 20, day-time.Hour)
	w.end(t, "refused")
	w.want(t, 20, day-time.Hour)

	w.passed = day
	w.begin("second", "a token of the second")
	w.want(t, 20, day)
	w.end(t, "first")
	w.want(t, 0, 0)
	w.passed = day + time.Hour
	w.want(t, 0, time.Hour)
}
