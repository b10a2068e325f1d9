package integration

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// What a receiver finds of the age of deliveries is in the status; soon after the start nothing is refused for it.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	config := func(option string) string {
		return strings.Replace(s.caddyfile("7d"), "token {env.SMARTCAR_TOKEN}", "token {env.SMARTCAR_TOKEN}\n\t\t"+option, 1)
	}
	ages := func() api.DeliveryAges {
		var v api.Status
		s.get(t, "/smartcar/status", &v)
		return v.Sources[0].Ages
	}
	send := func(age time.Duration) {
		t.Helper()
		at := time.Now().Add(-age)
		body := smartcar.Sample{EventID: uuid.NewString(), RecordedAt: at, DeliveredAt: at}.VehicleState()
		if status, err := post(s.client, s.url, body, smartcar.Sign(testToken, body)); err != nil || status != http.StatusOK {
			t.Fatalf("%d, %v", status, err)
		}
	}
	const gap = "a recorded delivery that is sent again is stored as a new event"

	s.startAdmin(t)
	send(9 * 24 * time.Hour)
	if got := ages(); got != (api.DeliveryAges{}) {
		t.Errorf("it is off, and there is %+v", got)
	}
	if err := s.adminLoad(t.Context(), config("max_age refuse 6d")); err != nil {
		t.Fatal(err)
	}
	send(9 * 24 * time.Hour)
	send(5 * 24 * time.Hour)
	send(-time.Hour)
	if diff := cmp.Diff(api.DeliveryAges{Future: 1, Unjudged: 1}, ages()); diff != "" {
		t.Error(diff)
	}
	now := s.scrape(t)
	for age, want := range map[string]float64{"too_old": 0, "future": 1, "missing": 0, "unjudged": 1} {
		if got := now.value(t, `delivery_ages_total{age="`+age+`",source="default"}`); got != want {
			t.Errorf("the metric of %s is %v, want %v", age, got, want)
		}
	}
	for _, event := range []string{"webhook.age_unjudged", "webhook.from_the_future"} {
		if !strings.Contains(s.wholeLog(), event) {
			t.Errorf("no %s in the log:\n%s", event, s.wholeLog())
		}
	}
	s.must(t, "1 from the future, 1 too old by a doubtful clock", "status")
	if strings.Contains(s.wholeLog(), gap) {
		t.Error("6 days leave a gap")
	}
	if err := s.adminLoad(t.Context(), config("max_age warn 8d")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.wholeLog(), gap) {
		t.Errorf("8 days leave no gap:\n%s", s.wholeLog())
	}
}
