package integration

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// sendSigned posts an event of a mode, signed with a token, and returns the status.
func (s *site) sendSigned(t *testing.T, mode, token string) int {
	t.Helper()
	body := smartcar.Sample{
		EventID: uuid.NewString(), VehicleID: "vehicle-1", DeliveryID: uuid.NewString(), DeliveredAt: time.Now(),
		RecordedAt: time.Now(), Mode: mode,
	}.VehicleState()
	status, err := post(s.client, s.url, body, smartcar.Sign(token, body))
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// What users of Smartcar report: VERIFY is answered, TEST events are taken, and each LIVE event is refused. It is
// named, by the command and in the metrics, and a reload with the earlier token as a second one ends it. When that is
// taken out again, the advice is to put it back.
func TestLiveEventsRefused(t *testing.T) {
	proof.SkipInShort(t, "it is about what commands print")
	t.Parallel()
	s := newSite(t)
	s.write(t, "old", testToken)
	s.write(t, "new", rotatedToken)
	s.write(t, "Caddyfile", s.withTokens("new"))
	s.start(t)
	waitFor(t, "the handler", 30*time.Second, func() bool { _, healthy := s.signatures(t); return healthy })
	load := func(tokens ...string) {
		t.Helper()
		if err := s.adminLoad(t.Context(), s.withTokens(tokens...)); err != nil {
			t.Fatalf("%v\n%s", err, s.log())
		}
	}
	send := func(mode, token string, want int) {
		t.Helper()
		if status := s.sendSigned(t, mode, token); status != want {
			t.Fatalf("%s got %d, want %d", mode, status, want)
		}
	}
	wantState := func(step string, refused bool, words string) {
		t.Helper()
		out, code := s.run(t, "status")
		if (code == 1) != refused || !strings.Contains(strings.Join(strings.Fields(out), " "), words) {
			t.Errorf("%s: exit code %d, want %q in\n%s", step, code, words, out)
		}
		want := map[bool]float64{true: 1}[refused]
		if got := s.scrape(t).series[metricPrefix+`live_all_refused{source="default"}`]; got != want {
			t.Errorf("%s: the metric is %v, want %v", step, got, want)
		}
	}

	s.verify(t, "Qx7mT2vLp9Rk4ZsA")
	send("TEST", rotatedToken, http.StatusOK)
	for range 8 {
		send("LIVE", testToken, http.StatusUnauthorized)
		send("TEST", rotatedToken, http.StatusOK)
	}
	wantState("all refused", true,
		"VERIFY is answered and TEST events have right signatures, but every LIVE event is refused: 8, the first one")
	if n := s.scrape(t).series[metricPrefix+`live_refused_total{source="default"}`]; n != 8 {
		t.Errorf("%v are counted", n)
	}

	for range refusals {
		if err := s.adminLoad(t.Context(), s.withTokens("new", "old")+unbindable); err == nil {
			t.Fatal("a site that cannot be bound is taken")
		}
	}
	wantState("reloads that are refused", true, "every LIVE event is refused: 8, the first one")

	load("new", "old")
	wantState("a second token", false, "Nothing needs attention")
	send("LIVE", testToken, http.StatusOK)
	for range 4 {
		send("LIVE", "a-stranger's-own-token", http.StatusUnauthorized)
	}
	wantState("a stranger's few", false, "Nothing needs attention")
	send("LIVE", testToken, http.StatusOK)

	load("new")
	for range 5 {
		send("LIVE", testToken, http.StatusUnauthorized)
	}
	out, _ := s.run(t, "status")
	wantState("taken out too early", true, "every LIVE event is refused since their token was taken out: 5, the first one")
	if strings.Contains(out, testToken) || strings.Contains(out, rotatedToken) ||
		strings.Contains(s.wholeLog(), testToken[:8]) {
		t.Error(fmt.Sprint("a token is shown:\n", out))
	}
}
