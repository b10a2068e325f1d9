package pluginhost

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
)

func TestStopDrains(t *testing.T) {
	log := newJournal()
	look := newLookout(t)
	spec := fakeSpec(t, log, "tattle="+look.path)
	p := newPlugin(t, spec)
	mustStart(t, p)
	p.Supervise()
	process := look.seen(t)

	type answer struct {
		results []dispatch.Result
		err     error
	}
	inflight := make(chan answer, 1)
	go func() {
		r, err := p.Handle(testContext(t), deliveries("until-shutdown "+look.path))
		inflight <- answer{r, err}
	}()
	look.seen(t) // The plugin has the call.
	if err := p.Stop(testContext(t)); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if a := <-inflight; a.err != nil || len(a.results) != 1 || a.results[0].Status != dispatch.Done {
		t.Errorf("the call in flight: %+v", a)
	}
	awaitEnd(t, process)

	if _, err := p.Handle(testContext(t), deliveries("x")); !errors.Is(err, dispatch.ErrDown) {
		t.Errorf("Handle after Stop: %v", err)
	}
	if err := p.Start(testContext(t)); err == nil {
		t.Error("Start after Stop gives no error")
	}
	if s := p.State(); s.Up || s.PID != 0 || s.LastError != "" {
		t.Errorf("State = %+v", s)
	}
	if left, _ := filepath.Glob(filepath.Join(spec.RuntimeDir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, rec := range log.snapshot() {
		if rec["level"] == "ERROR" || rec["level"] == "WARN" {
			t.Errorf("a clean stop logs %v", rec)
		}
	}
}

// A plugin that answers Shutdown before it has finished still gets its time.
func TestStopWaitsForAnswers(t *testing.T) {
	look := newLookout(t)
	p := newPlugin(t, fakeSpec(t, nil))
	mustStart(t, p)
	call := make(chan error, 1)
	go func() {
		_, err := p.Handle(testContext(t), deliveries("late "+look.path))
		call <- err
	}()
	look.seen(t)
	if err := p.Stop(testContext(t)); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if err := <-call; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
}

func TestStopOfBadPlugins(t *testing.T) {
	for _, tt := range []struct {
		name, quirk, inflight string
		limit                 time.Duration
		want                  string
	}{
		{"shutdown hangs", "hang-shutdown", "", 300 * time.Millisecond, "did not finish in time"},
		{"shutdown fails", "fail-shutdown", "", patience, "could not flush"},
		{"a call never ends", "none", "wait", 300 * time.Millisecond, "did not finish in time"},
		{"frozen", "none", "freeze", 300 * time.Millisecond, "did not finish in time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			look := newLookout(t)
			p := newPlugin(t, fakeSpec(t, nil, tt.quirk, "tattle="+look.path))
			mustStart(t, p)
			p.Supervise()
			process := look.seen(t)
			call := make(chan error, 1)
			if tt.inflight != "" {
				go func() {
					_, err := p.Handle(context.Background(), deliveries(tt.inflight+" "+look.path))
					call <- err
				}()
				look.seen(t) // The plugin has the call.
			}
			ctx, cancel := context.WithTimeout(context.Background(), tt.limit)
			defer cancel()
			err := p.Stop(ctx)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Stop: %v, want %q", err, tt.want)
			}
			awaitEnd(t, process)
			if tt.inflight != "" {
				wantNoCrash(t, <-call)
			}
			if again := p.Stop(testContext(t)); !errors.Is(again, err) {
				t.Errorf("a second Stop: %v, want %v", again, err)
			}
		})
	}
}

func TestStopWithoutProcess(t *testing.T) {
	p := newPlugin(t, fakeSpec(t, nil))
	if err := p.Stop(testContext(t)); err != nil {
		t.Errorf("Stop before Start: %v", err)
	}
	p.Supervise()

	p = newPlugin(t, fakeSpec(t, nil, "fail-unless=/nowhere"), func(tm *timing) { tm.backoffMin = time.Hour })
	_ = p.Start(testContext(t))
	p.Supervise()
	if err := p.Stop(testContext(t)); err != nil {
		t.Errorf("Stop while it waits to start again: %v", err)
	}
}

func TestStopEndsALaunch(t *testing.T) {
	look := newLookout(t)
	p := newPlugin(t, fakeSpec(t, nil, "hang-describe", "tattle="+look.path))
	done := make(chan error, 1)
	go func() { done <- p.Start(context.Background()) }()
	conn := look.seen(t)
	if err := p.Stop(testContext(t)); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if err := <-done; !errors.Is(err, errStopped) {
		t.Errorf("Start: %v, want errStopped", err)
	}
	awaitEnd(t, conn)
}
