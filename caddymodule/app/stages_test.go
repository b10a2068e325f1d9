package app

import (
	"log/slog"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/stage"
)

// The stages of the newest config are written, and those of the one before again when Caddy takes it back.
func TestStagesAreThoseOfTheNewestConfig(t *testing.T) {
	opener := stuckOpener{}
	s := newSharedEngine(slog.DiscardHandler, "", nil)
	s.engine = engine.New(engine.Options{Opener: opener})
	defer s.engine.Destruct()
	want := func(want stage.Stage) {
		t.Helper()
		for _, st := range []stage.Stage{stage.SignatureFailed, stage.ProcessingStarted, stage.ProcessingFailed} {
			if s.stages.Has(st) != (st == want) {
				t.Errorf("%s: %v, want only %s", st, s.stages.Has(st), want)
			}
		}
	}
	enter := func(name string, st stage.Stage) {
		s.enter(startedConfig{
			owner: name, log: slog.DiscardHandler, stages: stage.Of(st), opener: opener, bodyMemory: 1 << 20,
		})
	}
	enter("first", stage.SignatureFailed)
	want(stage.SignatureFailed)
	enter("second", stage.ProcessingStarted)
	want(stage.ProcessingStarted)
	enter("refused", stage.ProcessingFailed)
	if err := s.leave("refused"); err != nil {
		t.Fatal(err)
	}
	want(stage.ProcessingStarted)
	if err := s.leave("first"); err != nil {
		t.Fatal(err)
	}
	want(stage.ProcessingStarted)
}
