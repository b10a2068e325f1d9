package integration

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// newRefusingSite is a site whose one handler posts to an application, with few and quick attempts.
func newRefusingSite(t *testing.T) (*site, *application) {
	t.Helper()
	s, app := newSite(t), startApplication(t)
	s.write(t, "handlers.hcl", fmt.Sprintf(`handler "legacy_app" {
  plugin = "http"
  retry {
    max_attempts = 3
    min_delay    = "10ms"
    max_delay    = "20ms"
  }
  breaker {
    failures = 5
    cooldown = "100ms"
  }
  config {
    url = %q
  }
}
`, app.url))
	s.startAdmin(t)
	return s, app
}

// An application whose token was rotated refuses everything with 401 until somebody gives it the new
// one. No event dies meanwhile.
func TestARotatedTokenMakesNoDeadLetters(t *testing.T) {
	t.Parallel()
	s, app := newRefusingSite(t)
	sent := s.sendEvents(t, "before", 2)
	s.settled(t)
	var cars []string
	for i := range 6 {
		cars = append(cars, fmt.Sprint("car-", i))
		app.answer(cars[i], http.StatusUnauthorized)
	}
	for _, car := range cars {
		sent = append(sent, s.sendEvents(t, car, 1)...)
	}
	waitFor(t, "the application has refused far more often than an event has attempts", 60*time.Second, func() bool {
		refused := 0
		for _, car := range cars {
			refused += app.refusals(car)
		}
		return refused >= 40
	})
	if n := s.status(t).Buffer.DeadLetters; n != 0 {
		t.Errorf("%d dead letters while the application refuses all", n)
	}
	for _, car := range cars {
		app.answer(car, http.StatusOK)
	}
	s.settled(t)
	got := app.events()
	slices.Sort(got)
	slices.Sort(sent)
	if n := s.status(t).Buffer.DeadLetters; n != 0 || !slices.Equal(got, sent) {
		t.Errorf("%d dead letters; the application received %d events, want %d", n, len(got), len(sent))
	}
}

// A vehicle that the application may not have uses up its attempts and holds up no other.
func TestAForbiddenVehicleHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s, app := newRefusingSite(t)
	app.answer("forbidden", http.StatusForbidden)
	var sent []string
	s.sendEvents(t, "forbidden", 1)
	waitFor(t, "the forbidden event is a dead letter", 60*time.Second, func() bool {
		sent = append(sent, s.sendEvents(t, "welcome", 1)...)
		return s.status(t).Buffer.DeadLetters == 1
	})
	s.settled(t)
	if got := app.events(); !slices.Equal(got, sent) {
		t.Errorf("the application received %d events of the other vehicle, want %d", len(got), len(sent))
	}
	s.must(t, "exhausted", "dead-letters", "list", "--vehicle", "forbidden")
}
