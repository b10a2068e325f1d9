package integration

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An ordinary stop lets the plugin end by itself, and nothing is lost or repeated.
func TestStopWhileIdle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := newFleet(s, 4)
	for range 3 {
		p := s.start(t)
		for _, v := range f.vehicles {
			f.sendOne(t.Context(), v)
		}
		if v := f.awaitAll(t, s); v.lost > 0 {
			t.Fatalf("%v\n%s", v, s.log())
		}
		p.terminate(t)
		s.stoppedWell(t)
	}
	// What a stop had left open would come before the event sent last.
	s.start(t)
	f.sendOne(t.Context(), f.vehicles[0])
	if v := f.awaitAll(t, s); v.lost > 0 || v.repeated > 0 || v.disordered > 0 {
		t.Errorf("%v\n%s", v, s.log())
	}
}

// A stop in the midst of work cuts off no delivery.
func TestStopUnderLoad(t *testing.T) {
	s := newSite(t)
	f := newFleet(s, 16)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		f.run(ctx)
	}()
	for range 3 {
		p := s.start(t)
		goal := f.total() + 200
		waitFor(t, "some more events", 30*time.Second, func() bool { return f.total() >= goal })
		p.terminate(t)
		s.stoppedWell(t)
	}
	s.start(t)
	cancel()
	<-sent
	v := f.awaitAll(t, s)
	t.Logf("3 stops: %v; answers other than 200: %v", v, f.refused)
	if v.lost > 0 || v.disordered > 0 {
		t.Errorf("%v\n%s", v, s.log())
	}
}

// stoppedWell fails the test when Caddy's log tells of a plugin that was cut off, or
// of none that was stopped.
func (s *site) stoppedWell(t *testing.T) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(s.dir, "caddy.log"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(log)
	for _, bad := range []string{"was killed", `"finished":false`, "did not finish in time"} {
		if strings.Contains(text, bad) {
			t.Fatalf("the log says %s\n%s", bad, s.log())
		}
	}
	if !strings.Contains(text, `"finished":true`) {
		t.Fatalf("no plugin was stopped\n%s", s.log())
	}
}
