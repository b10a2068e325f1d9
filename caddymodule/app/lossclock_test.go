package app

import (
	"log/slog"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// What the buffer before a reload could not store comes again to the one after it, so both have one clock. It ends with
// the last of them.
func TestLossClockOutlivesAnotherBuffer(t *testing.T) {
	take := func(key string) *EngineRef {
		t.Helper()
		create := func(s *sharedEngine, _ *slog.Logger) *engine.Engine {
			return engine.New(engine.Options{Opener: stuckOpener{}, Presence: s.counts.Loss})
		}
		ref, err := acquire(keyedOpener{key: key}, slog.New(slog.DiscardHandler), create)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	give := func(refs ...*EngineRef) {
		t.Helper()
		for _, ref := range refs {
			if err := ref.Release(); err != nil {
				t.Fatal(err)
			}
		}
	}
	pending := func(ref *EngineRef) uint64 { return ref.Traffic().Source("a").Loss.Loss().Pending }

	first := take("one")
	first.Traffic().Source("a").Loss.Refused("1")
	again, other := take("one"), take("other")
	give(first)
	if n := pending(again); n != 1 {
		t.Errorf("%d pending after a reload", n)
	}
	give(again)
	if n := pending(other); n != 1 {
		t.Errorf("%d pending after a reload with another buffer", n)
	}
	give(other)
	last := take("one")
	defer give(last)
	if n := pending(last); n != 0 {
		t.Errorf("%d pending in what began anew", n)
	}
}

// keyedOpener is a buffer of its own for each key.
type keyedOpener struct {
	stuckOpener
	key string
}

func (o keyedOpener) Key() string { return o.key }
