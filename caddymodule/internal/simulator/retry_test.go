package simulator

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// transport answers in the process: sockets would hold up a bubble's clock.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answerWith(status int) *http.Response {
	body := ""
	if status < 300 {
		body = `{"status":"stored"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func TestRetrySchedule(t *testing.T) {
	seconds := func(all ...float64) (out []time.Duration) {
		for _, s := range all {
			out = append(out, time.Duration(s*float64(time.Second)))
		}
		return out
	}
	tests := []struct {
		name   string
		typ    Type
		retry  bool
		factor float64
		forge  float64
		answer func(attempt int) int // 0: hangs
		want   []time.Duration       // when each attempt began
		took   bool
	}{
		{"taken at once", TypeState, true, 0, 0, func(int) int { return 204 }, seconds(0), true},
		{"never taken", TypeState, true, 0, 0, func(int) int { return 503 }, seconds(0, 25, 75, 175), false},
		{"taken at the third", TypeError, true, 0, 0, func(n int) int { return map[bool]int{true: 200, false: 401}[n == 3] }, seconds(0, 25, 75), true},
		{"a redirect is a failure", TypeState, true, 0, 0, func(int) int { return 302 }, seconds(0, 25, 75, 175), false},
		{"ten times as fast", TypeState, true, 10, 0, func(int) int { return 500 }, seconds(0, 2.5, 7.5, 17.5), false},
		{"without retries", TypeState, false, 0, 0, func(int) int { return 500 }, seconds(0), false},
		{"hanging", TypeState, true, 0, 0, func(int) int { return 0 }, seconds(0, 40, 105, 220), false},
		{"forged", TypeState, true, 0, 1, func(int) int { return 401 }, seconds(0), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				keys := smartcar.NewKeys(token)
				var began []time.Duration
				var seen []smartcar.Envelope
				receive := func(r *http.Request) (*http.Response, error) {
					body, _ := io.ReadAll(r.Body)
					e, err := smartcar.ParseEnvelope(body)
					if _, ok := keys.Verify(body, r.Header.Get(smartcar.SignatureHeader)); ok != (tt.forge == 0) || err != nil {
						t.Errorf("attempt %d: signature right is %t, %v", len(began)+1, ok, err)
					}
					if now := time.Now().UTC().Truncate(time.Millisecond); !e.DeliveredAt.Equal(now) {
						t.Errorf("deliveredAt %v at %v", e.DeliveredAt, now)
					}
					began, seen = append(began, time.Since(start)), append(seen, e)
					status := tt.answer(len(began))
					if status == 0 {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
					return answerWith(status), nil
				}
				var results []Result
				s := run(t, Options{
					URL: "https://receiver.example/", Token: token, Type: tt.typ, Retry: tt.retry, ClockFactor: tt.factor,
					Forge: tt.forge, Client: &http.Client{Transport: transport(receive)},
					OnResult: func(r Result) { results = append(results, r) },
				})
				if diff := cmp.Diff(tt.want, began); diff != "" {
					t.Errorf("attempts began (-want +got)\n%s", diff)
				}
				deliveries := map[string]bool{}
				for i, e := range seen {
					deliveries[e.DeliveryID] = true
					if e.EventID != seen[0].EventID || e.Digest != seen[0].Digest {
						t.Errorf("attempt %d is another event", i+1)
					}
					if r := results[i]; r.Attempt != i+1 || r.Last != (i == len(seen)-1) || r.EventID != e.EventID {
						t.Errorf("result %+v of attempt %d", r, i+1)
					}
				}
				if len(deliveries) != len(tt.want) || s.Retries != len(tt.want)-1 {
					t.Errorf("%d deliveryIds, %d retries", len(deliveries), s.Retries)
				}
				if (s.Accepted == 1) != tt.took || (s.Failed == 1) != (!tt.took && tt.forge == 0) {
					t.Errorf("summary %+v", s)
				}
			})
		})
	}
}

// A retry that waits must not hold up the events after it.
func TestRetryLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var order []string
		attempts := map[string]int{}
		names := map[string]string{}
		receive := func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			e, _ := smartcar.ParseEnvelope(body)
			if names[e.EventID] == "" {
				names[e.EventID] = string(rune('a' + len(names)))
			}
			attempts[e.EventID]++
			order = append(order, names[e.EventID]+" at "+time.Since(start).String())
			if names[e.EventID] == "a" && attempts[e.EventID] == 1 {
				return answerWith(500), nil
			}
			return answerWith(200), nil
		}
		s := run(t, Options{
			URL: "https://receiver.example/", Token: token, Count: 4, Rate: 0.1, Retry: true,
			Client: &http.Client{Transport: transport(receive)},
		})
		want := []string{"a at 0s", "b at 10s", "c at 20s", "a at 25s", "d at 30s"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if s.Accepted != 4 || s.Elapsed != 30*time.Second {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestInterruptedWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		s, err := Run(ctx, Options{
			URL: "https://receiver.example/", Token: token, Count: 2, Retry: true,
			Client: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) { return answerWith(503), nil })},
		})
		if err != nil {
			t.Fatal(err)
		}
		if !s.Interrupted || s.Elapsed != 30*time.Second || s.Unsettled != 2 || s.Retries != 2 || s.Failed != 0 {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{}, 3)
		s := run(t, Options{
			URL: "https://receiver.example/", Token: token, Count: 30, Concurrency: 3,
			Client: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
				select {
				case gate <- struct{}{}:
				default:
					t.Error("more than three at a time")
					return answerWith(500), nil
				}
				timer := time.NewTimer(time.Second)
				<-timer.C
				<-gate
				return answerWith(200), nil
			})},
		})
		if s.Accepted != 30 || s.Elapsed != 10*time.Second {
			t.Errorf("summary %+v", s)
		}
	})
}
