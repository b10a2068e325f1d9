package integration

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

// An event that ends the handler's process, whenever it comes, becomes a dead letter
// after three times. All others arrive, those of its vehicle too and in order, and after a
// restart it is all over.
func TestPoisonEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	poison, tries := uuid.NewString(), filepath.Join(s.dir, "tries.jsonl")
	s.write(t, "handlers.hcl", ownHandler(t, "archive", "poison", "", map[string]string{"path": s.events, "event": poison, "tries": tries}))
	p, f := s.start(t), newFleet(s, 8)
	for _, v := range f.vehicles {
		f.sendOne(t.Context(), v)
	}
	if !f.send(t.Context(), f.vehicles[0], poison) {
		t.Fatal("the poison was not acknowledged")
	}
	// The others, and its own vehicle, go on sending while the process comes and goes.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		f.run(ctx)
	}()
	waitFor(t, "the poison was tried three times", 30*time.Second, func() bool { return len(receivedIn(t, tries)) >= 3 })
	goal := f.total() + 100
	waitFor(t, "some more events", 30*time.Second, func() bool { return f.total() >= goal })
	cancel()
	<-sent
	v := f.awaitAll(t, s)
	t.Log(v)
	// What was in flight beside the poison comes again.
	if v.lost > 0 || v.disordered > 0 || len(f.refused) > 0 || len(f.broken) > 0 {
		t.Errorf("%v; answers other than 200: %v; %d requests had no answer\n%s", v, f.refused, len(f.broken), s.log())
	}
	p.terminate(t)
	letter := s.onlyDeadLetter(t)
	if letter.Event.ID != poison || letter.Handler != "archive" || letter.Reason != buffer.ReasonPoison || letter.Retry.Crashes != 3 {
		t.Errorf("dead letter of %s, handler %s, reason %s, %d crashes; want the poison", letter.Event.ID, letter.Handler, letter.Reason, letter.Retry.Crashes)
	}
	for _, want := range []string{"exit status 2", "this event cannot be digested"} {
		if !strings.Contains(letter.Retry.LastError, want) {
			t.Errorf("the dead letter says %q, without %q", letter.Retry.LastError, want)
		}
	}

	before := len(s.received(t))
	s.start(t)
	f.sendOne(t.Context(), f.vehicles[0])
	if v := f.awaitAll(t, s); v.lost > 0 || v.disordered > 0 {
		t.Errorf("after a restart: %v", v)
	}
	if after := len(s.received(t)); after != before+1 {
		t.Errorf("after a restart %d events were repeated", after-before-1)
	}
	if n := len(receivedIn(t, tries)); n != 3 {
		t.Errorf("the poison was tried %d times, want 3", n)
	}
}

// onlyDeadLetter reads the buffer of a site whose Caddy has ended.
func (s *site) onlyDeadLetter(t *testing.T) buffer.DeadLetter {
	t.Helper()
	b, err := disk.Open(t.Context(), disk.Options{Path: s.buffer})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	var letters []buffer.DeadLetter
	for letter, err := range b.DeadLetters(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, letter)
	}
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want one\n%s", len(letters), s.log())
	}
	return letters[0]
}
