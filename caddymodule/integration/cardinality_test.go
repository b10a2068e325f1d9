package integration

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Whatever comes, the number of series stays: no vehicle, user, webhook, event type, error, signal or path makes one.
func TestCardinality(t *testing.T) {
	t.Parallel()
	total := 3000
	if proof.IsLong() {
		total = 100_000
	}
	s := newSite(t)
	s.startAdmin(t)
	const first = 300
	s.sendDistinct(t, 0, first)
	s.settled(t)
	// The vehicles are read behind the handlers.
	waitFor(t, "each vehicle error is counted", time.Minute, func() bool {
		return s.scrape(t).sum("vehicle_errors_total") == first/5
	})
	before := s.scrape(t)
	s.sendDistinct(t, first, total)
	after := s.scrape(t)
	if got, least := after.sum("deliveries_total"), before.sum("deliveries_total"); got != least+float64(total-first) {
		t.Errorf("%v requests were counted, want %d more than %v", got, total-first, least)
	}
	if len(after.series) != len(before.series) {
		for _, series := range slices.Sorted(maps.Keys(after.series)) {
			if _, ok := before.series[series]; !ok {
				t.Errorf("%s came with the events", series)
			}
		}
	}
	for series := range after.series {
		if strings.Contains(series, outsideText) {
			t.Errorf("%s has text from outside", series)
		}
	}
	t.Logf("%d series after %d events", len(after.series), total)
}

// outsideText is in each text of sendDistinct.
const outsideText = "outside"

// sendDistinct sends the events from one number to another, of which no two have anything in common.
func (s *site) sendDistinct(t *testing.T, from, to int) {
	t.Helper()
	var wg sync.WaitGroup
	const senders = 16
	for sender := range senders {
		wg.Go(func() {
			for n := from + sender; n < to; n += senders {
				body, token, want := distinct(n)
				status, err := post(s.client, s.url+text(n, "path"), body, smartcar.Sign(token, body))
				if err != nil || status != want {
					t.Errorf("event %d: %d, %v; want %d", n, status, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func text(n int, what string) string { return fmt.Sprintf("%s-%s-%d", outsideText, what, n) }

// distinct is the body of the nth event, the token that it is signed with and the status of its answer.
func distinct(n int) (body []byte, token string, want int) {
	sample := smartcar.Sample{
		EventID: uuid.NewString(), VehicleID: text(n, "vehicle"), UserID: text(n, "user"),
		WebhookID:  text(n, "webhook"),
		DeliveryID: uuid.NewString(), Mode: smartcar.ModeLive,
	}
	replace := func(body []byte, old, by string) []byte {
		return bytes.ReplaceAll(body, []byte(`"`+old+`"`), []byte(`"`+by+`"`))
	}
	switch n % 5 {
	case 0: // an error of an unknown type
		body = replace(sample.VehicleError(), "CONNECTED_SERVICES_ACCOUNT", text(n, "error"))
		body = replace(body, "AUTHENTICATION_FAILED", text(n, "code"))
		body = replace(body, "ERROR", text(n, "state"))
	case 1: // an unknown type of event
		body = replace(sample.VehicleState(), "VEHICLE_STATE", text(n, "type"))
	case 2: // unknown signals and fields
		body = replace(sample.VehicleState(), "odometer-traveleddistance", text(n, "signal"))
		body = replace(body, "version", text(n, "field"))
		body = replace(body, "Sample", text(n, "name"))
	case 3: // not an event
		body = []byte(`{"` + text(n, "unreadable") + `":`)
	default:
		return sample.VehicleState(), text(n, "token that is none of ours"), http.StatusUnauthorized
	}
	return body, testToken, http.StatusOK
}
