package status

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/masking"
)

// What a plugin says, a mistake quotes or a replay picks by is not in a status that leaves the machine. What this module
// says is.
func TestLeaveOut(t *testing.T) {
	const said = "no such car s3cr3t: at 57.7"
	v := api.Status{
		Handlers: []api.Handler{
			{
				Name: "own", LastError: said, Plugin: api.Plugin{Name: "s3cr3t name", Version: "1.0.0", LastError: said}, State: "down",
				Breaker: api.Breaker{Why: said},
			},
			{Name: "http", LastError: "127.0.0.1:3000: connection refused", Bundled: true},
			{Name: "wrong", LastError: "handlers.hcl:3: s3cr3t", Bundled: true, Mistaken: true},
		},
		Attention: []api.Attention{
			{Kind: api.HandlerDown, Handler: "own", What: "own is down: " + said, Said: said, Do: "fix its plugin"},
			{Kind: api.HandlerUnavailable, Handler: "http", What: "http has got nothing for 12m: 127.0.0.1:3000: connection refused"},
			{Kind: api.HandlerMistaken, Handler: "wrong", What: "wrong is down because of a mistake in the handlers files: s3cr3t"},
			{Kind: api.HandlersMistaken, What: "no handler runs: s3cr3t"},
			{Kind: api.DeadLetters, What: "17 dead letters: own rejected s3cr3t"},
			{Kind: api.HandlerRejects, Handler: "own", What: "own rejects each event: s3cr3t"},
			{Kind: api.ReplayFailed, What: "replay 1 to own failed at 3%: s3cr3t"},
			{Kind: api.MessagesMistaken, What: "messages do not all go out: s3cr3t"},
			{Kind: api.BufferFailed, What: "nothing can be received: /var/lib/smartcar: no space left on device"},
		},
		Replays: []api.Replay{{ID: "1", Handler: "own", Error: said, Filter: api.Filter{
			Vehicle: "veh-s3cr3t", Webhook: "s3cr3t", EventIDs: []string{"s3cr3t"}, DeadLetterIDs: []string{"s3cr3t"}, Since: "2026-03-01T00:00:00Z",
		}}},
	}
	LeaveOut(&v)
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	got := string(raw)
	for _, not := range []string{"s3cr3t", "57.7"} {
		if strings.Contains(got, not) {
			t.Errorf("%s is in %s", not, got)
		}
	}
	for _, want := range []string{
		"own is down: " + masking.LeftOut, "http has got nothing for 12m: 127.0.0.1:3000: connection refused", "17 dead letters: " + masking.LeftOut,
		"no space left on device", "2026-03-01T00:00:00Z", `"version":"1.0.0"`, "fix its plugin",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if v.Attention[0].Said != "" {
		t.Error("what a plugin has said is still there")
	}
}
