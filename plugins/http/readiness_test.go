package http

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// picky is an application that refuses some events.
type picky struct {
	t    *testing.T
	host *sdktest.Host

	mu      sync.Mutex
	refuses func(id string) int // the status, 0 to accept
}

func newPicky(t *testing.T, config sdktest.Config) *picky {
	p := &picky{t: t}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if status := p.refuses(r.Header.Get(headerEventID)); status != 0 {
			w.WriteHeader(status)
		}
	})
	config["url"] = s.URL
	p.host = sdktest.Start(t, Plugin(), config)
	return p
}

func (p *picky) refuse(refuses func(id string) int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = refuses
}

// send gives events to the plugin one by one and returns what became of them.
func (p *picky) send(ids ...string) []sdk.Status {
	var got []sdk.Status
	for _, id := range ids {
		r := p.host.Handle(p.t.Context(), sdktest.VehicleState(id, "v-"+id))[0]
		if r.Status == sdk.StatusRetry && !strings.HasSuffix(r.Error, "; it accepts other events") {
			p.t.Errorf("%s: %s", id, r.Error)
		}
		got = append(got, r.Status)
	}
	return got
}

const (
	done        = sdk.StatusDone
	counts      = sdk.StatusRetry
	unavailable = sdk.StatusUnavailable
)

func TestARefusalOfEverythingIsAnOutage(t *testing.T) {
	all := func(status int) func(string) int { return func(string) int { return status } }
	none := all(0)
	events := []string{"a", "b", "c", "d", "e", "f"}
	tests := map[string]struct {
		status int
		rule   string
	}{
		"401":          {401, ""},
		"403":          {403, ""},
		"502":          {502, ""},
		"500, by rule": {500, "500"},
		"418, by rule": {418, "4xx"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			config := sdktest.Config{}
			if tt.rule != "" {
				config["on_status"] = sdktest.Config{tt.rule: "unavailable"}
			}
			p := newPicky(t, config)
			// Of an application that has yet to accept something nothing is known.
			p.refuse(all(tt.status))
			if got := p.send("a", "b"); !slices.Equal(got, []sdk.Status{unavailable, unavailable}) {
				t.Errorf("at the beginning: %v", got)
			}
			p.refuse(none)
			if got := p.send("a", "b"); !slices.Equal(got, []sdk.Status{done, done}) {
				t.Errorf("in between: %v", got)
			}
			// An event uses up one attempt at most, while it may still be the only one.
			p.refuse(all(tt.status))
			p.send(events...)
			for range 3 {
				for i, got := range p.send(events...) {
					if got != unavailable {
						t.Errorf("%s again: %v", events[i], got)
					}
				}
			}
			p.refuse(none)
			p.send(events...)
		})
	}
}

func TestARefusalWhileOthersAreAcceptedCounts(t *testing.T) {
	p := newPicky(t, sdktest.Config{})
	p.refuse(func(id string) int {
		if strings.HasPrefix(id, "bad") {
			return http.StatusForbidden
		}
		return 0
	})
	tests := []struct {
		send string
		want []sdk.Status
	}{
		{"bad", []sdk.Status{unavailable}},
		{"good bad", []sdk.Status{done, counts}},
		// Without news of others nothing is known again.
		{"bad", []sdk.Status{unavailable}},
		{"good bad", []sdk.Status{done, counts}},
		// Several forbidden ones side by side are no outage.
		{"good bad-1 bad-2 bad-3 good bad-1 bad-2 bad-3", []sdk.Status{done, counts, counts, counts, done, counts, counts, counts}},
	}
	for _, tt := range tests {
		if got := p.send(strings.Fields(tt.send)...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.send, got, tt.want)
		}
	}
}

// What is remembered of refused events is bounded, and so is what an outage costs.
func TestReadinessIsBounded(t *testing.T) {
	r := newReadiness()
	r.accept(&sdk.Event{ID: "good"})
	counted := 0
	for round := range 2 {
		for i := range 2 * maxRefused {
			if r.refuse(&sdk.Event{ID: fmt.Sprint(i)}) {
				counted++
			}
			if len(r.refused) > maxRefused {
				t.Fatalf("%d events are remembered in round %d", len(r.refused), round)
			}
		}
	}
	if counted != maxInRow {
		t.Errorf("%d refusals in a row count, want %d", counted, maxInRow)
	}
	// Two receivers may have events of one id.
	r = newReadiness()
	r.refuse(&sdk.Event{ID: "1", Source: "a"})
	r.accept(&sdk.Event{ID: "1", Source: "b"})
	if !r.refuse(&sdk.Event{ID: "1", Source: "a"}) {
		t.Error("the event of another source does not count as another")
	}
}
