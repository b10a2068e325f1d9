package notify

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

// A digest that is refused, or waits, is told to the host until that is over.
func TestDigestTroubleIsReported(t *testing.T) {
	digestWith := func(r *rig, vehicle string, err error) {
		r.handle(failed("1"+vehicle, "a"+vehicle, 0), failed("2"+vehicle, "b"+vehicle, 0))
		for _, p := range r.places {
			p.failWith(err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, p := range r.places {
			p.failWith(nil)
		}
	}
	tests := map[string]struct {
		fails error
		name  string
		text  string
		// ends ends it.
		ends func(r *rig)
	}{
		"refused, until the next is taken": {errNo, digestRefused, "a digest with 1 vehicle was refused", func(r *rig) {
			digestWith(r, "next", nil)
		}},
		"refused, for a day": {errNo, digestRefused, "a digest with 1 vehicle was refused", func(r *rig) {
			time.Sleep(refusedStands - 3*time.Minute)
			synctest.Wait()
			if _, ok := r.stands(digestRefused); !ok {
				r.t.Error("it is over too early")
			}
			time.Sleep(3 * time.Minute)
			synctest.Wait()
		}},
		"down, until the target is back": {errDown, digestWaits, "a digest has to wait: the target is not ready", func(*rig) {
			time.Sleep(longestPause)
			synctest.Wait()
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *config) { c.Rate = &rateBlock{Max: 1, Per: time.Minute} })
				digestWith(r, "", tt.fails)
				c, ok := r.stands(tt.name)
				if !ok || !strings.Contains(c.Text, tt.text) || c.Advice == "" {
					t.Errorf("reported %+v", c)
				}
				tt.ends(r)
				if c, ok := r.stands(tt.name); ok {
					t.Errorf("still reported: %+v", c)
				}
			})
		})
	}
}

// The same over the real protocol, with a server that answers a digest 400 and the next one 200.
func TestRefusedDigestIsToldToTheHost(t *testing.T) {
	var accepts atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m payload
		if json.NewDecoder(r.Body).Decode(&m) != nil || m.Kind == "digest" && !accepts.Load() {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	host := sdktest.Start(t, Plugin(), sdktest.Config{
		"state":   filepath.Join(t.TempDir(), "notify.db"),
		"rate":    sdktest.Config{"max": 1, "per": "1s"},
		"webhook": []sdktest.Config{{"url": server.URL + "/" + secret}},
	})
	held := func(vehicle string) {
		for _, r := range host.Handle(t.Context(), failed("1"+vehicle, "a"+vehicle, 0), failed("2"+vehicle, "b"+vehicle, 0)) {
			if r.Status != sdk.StatusDone {
				t.Fatal(r)
			}
		}
	}
	held("x")
	refused := false
	for list := range host.Conditions(t.Context()) {
		switch {
		case !refused && len(list) == 1:
			refused = true
			if c := list[0]; c.Name != digestRefused || !strings.Contains(c.Text, "400") || strings.Contains(c.Text+c.Advice, secret) {
				t.Errorf("told %+v", c)
			}
			accepts.Store(true)
			held("y")
		case refused && len(list) == 0:
			return
		}
	}
	t.Error("it did not come and go")
}
