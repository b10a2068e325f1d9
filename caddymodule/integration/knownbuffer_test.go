package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// sendOne sends an event and returns its id and the answer's status.
func (s *site) sendOne(t *testing.T) (id string, status int) {
	t.Helper()
	id = uuid.NewString()
	body := smartcar.Sample{
		EventID: id, VehicleID: "car", DeliveryID: uuid.NewString(), RecordedAt: time.Now(), Mode: "LIVE",
	}.VehicleState()
	status, err := post(s.client, s.url, body, smartcar.Sign(testToken, body))
	if err != nil {
		t.Fatal(err)
	}
	return id, status
}

// newEmptiedSite is a site whose buffer has been moved away while Caddy was stopped, and left an empty directory, as a
// volume that is not mounted does. It returns where the buffer is, and the events that wait in it.
func newEmptiedSite(t *testing.T) (s *site, away string, waiting []string) {
	t.Helper()
	s = newSite(t)
	p := s.startAdmin(t)
	s.must(t, "archive is paused", "pause", "archive")
	waiting = s.sendEvents(t, "car", 3)
	p.terminate(t)
	away = filepath.Join(s.dir, "away")
	if err := os.Rename(s.buffer, away); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.buffer, 0o700); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	return s, away, waiting
}

// refusesAll checks that nothing is taken, and that the status says why and what to do.
func (s *site) refusesAll(t *testing.T) {
	t.Helper()
	if _, status := s.sendOne(t); status != http.StatusServiceUnavailable {
		t.Fatalf("an event is answered %d where the buffer has gone", status)
	}
	out, code := s.run(t, "status")
	for _, want := range []string{"is empty or not there", "caddy smartcar buffer accept"} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("status: exit code %d, want 1 and %q\n%s", code, want, out)
		}
	}
	if entries, err := os.ReadDir(s.buffer); err != nil || len(entries) > 0 {
		t.Errorf("made in the empty directory: %v, %v", entries, err)
	}
}

// awaitTaken waits until an event is taken, and returns its id.
func (s *site) awaitTaken(t *testing.T) (id string) {
	t.Helper()
	waitFor(t, "an event is taken", 20*time.Second, func() bool {
		var status int
		id, status = s.sendOne(t)
		return status == http.StatusOK
	})
	return id
}

// awaitReceived waits until the handler has had exactly these events.
func (s *site) awaitReceived(t *testing.T, want ...string) {
	t.Helper()
	waitFor(t, "the handler has had the events", 20*time.Second, func() bool { return len(s.received(t)) >= len(want) })
	s.settled(t)
	if got := s.received(t); !slices.Equal(got, want) {
		t.Errorf("the handler has had %q, want %q", got, want)
	}
}

// A volume that comes late has all that was answered 200.
func TestEmptiedBufferIsPutBack(t *testing.T) {
	proof.SkipInShort(t, "it is about what is read from a disk")
	t.Parallel()
	s, away, waiting := newEmptiedSite(t)
	s.refusesAll(t)
	if err := os.Remove(s.buffer); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, s.buffer); err != nil {
		t.Fatal(err)
	}
	last := s.awaitTaken(t)
	waitFor(t, "the handler is at work", 20*time.Second, func() bool { return s.atWork(t) })
	s.must(t, "archive goes on", "resume", "archive")
	s.awaitReceived(t, append(waiting, last)...)
	s.refused(t, "nothing to accept", "buffer", "accept", "--yes")
}

// Somebody who knows that it will not come back begins anew.
func TestEmptiedBufferIsAccepted(t *testing.T) {
	proof.SkipInShort(t, "it is about what is read from a disk")
	t.Parallel()
	s, _, _ := newEmptiedSite(t)
	s.refusesAll(t)
	s.must(t, "Nothing was done", "buffer", "accept", "--dry-run")
	s.refused(t, "--yes", "buffer", "accept")
	s.refusesAll(t)
	s.must(t, "is accepted and open", "buffer", "accept", "--yes")
	id, status := s.sendOne(t)
	if status != http.StatusOK {
		t.Fatalf("after it was accepted an event is answered %d", status)
	}
	s.awaitReceived(t, id)
}
