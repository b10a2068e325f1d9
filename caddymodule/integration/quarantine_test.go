package integration

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// wrongly is a Caddyfile with a token that nobody signs with.
func (s *site) wrongly() string {
	return strings.Replace(s.caddyfile("7d"), "{env.SMARTCAR_TOKEN}", uuid.NewString(), 1)
}

// attempt sends an event as Smartcar does, with a delivery of its own, and returns the status.
func (s *site) attempt(t *testing.T, id, vehicle, token string) int {
	t.Helper()
	body := smartcar.Sample{
		EventID: id, VehicleID: vehicle, DeliveryID: uuid.NewString(), RecordedAt: noonOfTests, DeliveredAt: time.Now(), Mode: "LIVE",
	}.VehicleState()
	status, err := post(s.client, s.url, body, smartcar.Sign(token, body))
	if err != nil {
		t.Fatalf("%v\n%s", err, s.log())
	}
	return status
}

// noonOfTests is when the readings were taken: the same for each attempt.
var noonOfTests = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// awaitKept waits until so many are kept.
func (s *site) awaitKept(t *testing.T, n int) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%d are kept", n), 20*time.Second, func() bool {
		out, _ := s.run(t, "status", "--json")
		return strings.Contains(out, fmt.Sprintf(`"kept":%d,`, n))
	})
}

// quarantineMetrics are those that move in TestQuarantine.
var quarantineMetrics = []string{
	"quarantine_events", "quarantine_releasable_events", "quarantine_bytes", "quarantine_kept_total",
	"quarantine_written_bytes_total", "quarantine_released_total", "quarantine_dropped_total",
}

var quarantineID = regexp.MustCompile(`(?m)^[0-9a-f]{12}-[0-9a-f]{8}`)

// The token is wrong, and LIVE events are refused; over a kill and a stop they are kept, with a stranger's among them;
// when the token is right, each is delivered once.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	s, _ := newAdminSite(t)
	s.app = "quarantine"
	s.write(t, "Caddyfile", s.wrongly())
	p := s.startAdmin(t)
	s.must(t, "Nothing is in the quarantine", "quarantine")

	var sent []string
	refuse := func(n int) {
		t.Helper()
		for range n {
			id := uuid.NewString()
			sent = append(sent, id)
			for range 4 {
				if status := s.attempt(t, id, "car-1", testToken); status != http.StatusUnauthorized {
					t.Fatalf("status %d", status)
				}
			}
		}
		s.awaitKept(t, len(sent))
	}
	refuse(6)
	p.kill(t)
	p = s.startAdmin(t)
	refuse(2)
	p.terminate(t)
	s.startAdmin(t)
	s.awaitKept(t, len(sent))
	before := s.scrape(t)
	s.attempt(t, sent[0], "car-1", testToken)
	s.attempt(t, sent[0], "car-2", otherToken) // a stranger who claims to be one of them
	s.awaitKept(t, len(sent)+1)

	if !strings.Contains(s.must(t, "none verifies", "status"), "Nothing needs attention") {
		t.Error("what does not verify needs attention")
	}
	s.must(t, "9 refused requests: 0 verify now, 9 do not.", "quarantine", "release", "--all")
	s.must(t, "There is no such event", "events")
	folder := filepath.Join(s.buffer, "quarantine")
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	for _, id := range sent {
		if strings.Contains(strings.Join(s.received(t), " "), id) {
			t.Errorf("%s was delivered", id)
		}
	}

	first := quarantineID.FindString(s.must(t, "LIVE", "quarantine", "--wide"))
	s.refused(t, "it is the token that differs", "signature", "explain", first)
	token := filepath.Join(t.TempDir(), "earlier.txt")
	if err := os.WriteFile(token, []byte(testToken), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must(t, "matches the token of "+token, "signature", "explain", first, "--token-file", token)

	s.loadAgain(t) // with the right token
	waitFor(t, "what verifies needs attention", 20*time.Second, func() bool {
		out, _ := s.run(t, "status")
		return strings.Contains(out, "8 refused events in the quarantine verify with the present tokens")
	})
	moved := s.scrape(t).moved(before)
	list := s.must(t, "LIVE", "quarantine", "--wide")
	ids := quarantineID.FindAllString(list, -1)
	if len(ids) != 9 || !strings.Contains(list, sent[0]) {
		t.Fatalf("the list:\n%s", list)
	}
	out := s.must(t, "under token 1", "quarantine", "show", ids[0])
	if !strings.Contains(out, "car-1") || !strings.Contains(out, "127.0.0.0/24") {
		t.Errorf("one:\n%s", out)
	}
	s.must(t, "The signature is right", "signature", "explain", ids[0])
	raw := s.must(t, "", "quarantine", "show", "--raw", ids[0])
	if e, err := smartcar.ParseEnvelope([]byte(raw)); err != nil || e.EventID != sent[0] {
		t.Errorf("%v: the body:\n%s", err, raw)
	}
	s.must(t, "9 refused requests: 8 verify now, 1 does not.", "quarantine", "release", "--all", "--dry-run")
	s.must(t, "There is no such event", "events")
	s.must(t, "Stored 1 event.", "quarantine", "release", ids[0])
	// Smartcar's last attempt comes after all.
	if status := s.attempt(t, sent[1], "car-1", testToken); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	// The one that came after all goes by itself in a while.
	out = s.must(t, "1 stays in the quarantine.", "quarantine", "release", "--all")
	if !strings.Contains(out, "Stored 6 events (1 had been stored before);") && !strings.Contains(out, "Stored 6 events;") {
		t.Errorf("the release:\n%s", out)
	}
	s.must(t, "1 refused request: 0 verify now, 1 does not.", "quarantine", "release", "--all")
	maps.Copy(moved, s.scrape(t).moved(before))
	for _, name := range quarantineMetrics {
		if !moved[metricPrefix+name] {
			t.Errorf("%s has not moved", name)
		}
	}
	waitFor(t, "each is delivered", 20*time.Second, func() bool { return len(s.received(t)) >= len(sent) })
	s.settled(t)
	got := s.received(t)
	slices.Sort(got)
	slices.Sort(sent)
	if !slices.Equal(got, sent) {
		t.Errorf("delivered: %q\nwant: %q", got, sent)
	}
	s.refused(t, "nothing is in the quarantine under the id", "quarantine", "show", ids[0])
	s.refused(t, "nothing is picked", "quarantine", "remove")
	s.refused(t, "there is no terminal to ask at", "quarantine", "remove", "--all")
	s.must(t, "Deleted 1 refused request.", "quarantine", "remove", "--all", "--yes")
	s.must(t, "Nothing is in the quarantine", "quarantine")
	s.must(t, "Nothing needs attention", "status")
}

// Without the option nothing is kept.
func TestNoQuarantine(t *testing.T) {
	t.Parallel()
	s, _ := newAdminSite(t)
	s.write(t, "Caddyfile", s.wrongly())
	s.startAdmin(t)
	for range 5 {
		s.attempt(t, uuid.NewString(), "car-1", testToken)
	}
	s.must(t, "Nothing is in the quarantine", "quarantine")
	if _, err := os.Stat(filepath.Join(s.buffer, "quarantine")); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}
