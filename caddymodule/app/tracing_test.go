package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traceexport/collectortest"
)

// The config that is in force decides whether deliveries are traced; what exports them stays.
func TestTracingIsThatOfTheNewestConfig(t *testing.T) {
	collectortest.Start(t).Setenv(t, "http/protobuf")
	a := stuckApp(t, ofReload, errors.New("no disk"))
	s := a.ref.sharedEngine
	traced := func() bool { return s.engine.Traced() }
	config := func(owner any, tracing bool) {
		t.Helper()
		before := s.spans
		if tracing {
			a.Tracing = true
			if err := a.prepareTracing(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.enter(startedConfig{owner: owner, log: slog.DiscardHandler, opener: a.opener, bodyMemory: a.BodyMemory, tracing: tracing})
		if traced() != tracing {
			t.Fatalf("config %v: deliveries are traced: %t", owner, traced())
		}
		if before != nil && s.spans != before {
			t.Errorf("config %v: there is another exporter", owner)
		}
	}
	config(1, false)
	config(2, true)
	config(3, false)
	config(4, true)
	if err := s.leave(4); err != nil || traced() {
		t.Errorf("a config without is in force again: %v, traced: %t", err, traced())
	}
	s.endTracing()
}

// A mistake in the environment refuses a config, but does not keep a process from receiving.
func TestMistakenTracing(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "pigeon")
	for name, tc := range map[string]struct {
		start   startKind
		tracing bool
		goesOn  bool
	}{
		"a reload":             {ofReload, true, false},
		"validate":             {ofOther, true, false},
		"the start":            {ofProcess, true, true},
		"a reload, not traced": {ofReload, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := stuckApp(t, tc.start, context.Canceled)
			a.Tracing = tc.tracing
			if err := a.prepareTracing(t.Context()); (err == nil) != tc.goesOn {
				t.Error(err)
			}
			a.ref.setTracing(a.Tracing)
			if a.ref.engine.Traced() {
				t.Error("deliveries are traced")
			}
		})
	}
}
