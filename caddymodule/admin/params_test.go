package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/status"
)

func wantRefusal(t *testing.T, err error, status int, words string) {
	t.Helper()
	api, ok := errors.AsType[caddy.APIError](err)
	if !ok || api.HTTPStatus != status || !strings.Contains(api.Error(), words) {
		t.Errorf("got %v (%+v), want %d with %q", err, api.HTTPStatus, status, words)
	}
}

func TestParams(t *testing.T) {
	known := with(deadLetterParams, pageParams, "all")
	tests := []struct {
		name, query string
		want        string // in the error; "": fine
	}{
		{"none", "", ""},
		{"several", "vehicle=v&type=T&limit=3&event_id=a&event_id=b", ""},
		{"unknown", "vehicles=v", `unknown parameter "vehicles": there are dead_letter_id, event_id, handler, reason, source, vehicle,`},
		{"twice", "vehicle=v&vehicle=w", "vehicle is given 2 times"},
		{"empty", "vehicle=", "vehicle is empty"},
		{"empty id", "event_id=", "an id is empty"},
		{"cannot be read", "vehicle=%zz", "cannot be read"},
		{"since", "since=yesterday", `since "yesterday": must be a time such as`},
		{"range", "since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z", "is not before"},
		{"reason", "reason=bad", `reason "bad": must be one of rejected, exhausted, expired, poison, unreadable`},
		{"limit", "limit=0", "must be 1 to 1000"},
		{"large limit", "limit=1001", "must be 1 to 1000"},
		{"bool", "all=maybe", "must be true or false"},
		{"cursor", "cursor=!", "next_cursor"},
		{"cursor of another list", "cursor=" + makeCursor(eventCursor, "7"), "next_cursor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := func() error {
				p, err := parseParams(tt.query, known)
				if err != nil {
					return err
				}
				_, filterErr := p.deadLetterFilter()
				_, limitErr := p.limit()
				_, boolErr := p.bool("all")
				_, cursorErr := p.cursor(deadLetterCursor)
				for _, err := range []error{filterErr, limitErr, boolErr, cursorErr} {
					if err != nil {
						return err
					}
				}
				return nil
			}()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefusal(t, err, http.StatusBadRequest, tt.want)
		})
	}
}

// A filter means the same as a query, as JSON and on the way back.
func TestFilterForms(t *testing.T) {
	order := api.Filter{
		DeadLetterIDs: []string{"x", "y"}, EventIDs: []string{"e"}, Handler: "h", Reason: "poison", Source: "s", Vehicle: "v",
		Type: "T", Mode: "LIVE", Webhook: "w", Since: "2026-03-01T00:00:00Z", Until: "2026-03-02T00:00:00Z",
	}
	want := engine.Filter{
		DeadLetters: []buffer.DeadLetterID{"x", "y"}, EventIDs: []string{"e"}, Handler: "h", Reason: buffer.ReasonPoison, Source: "s",
		Vehicle: "v", Type: "T", Mode: "LIVE", Webhook: "w",
		Since: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
	}
	fromJSON, err := engineFilter(order)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, fromJSON); diff != "" {
		t.Error(diff)
	}
	p, err := parseParams(order.Query().Encode(), deadLetterParams)
	if err != nil {
		t.Fatal(err)
	}
	fromQuery, err := p.deadLetterFilter()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, fromQuery); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(order, status.ViewFilter(&want)); diff != "" {
		t.Error(diff)
	}
	if isEmpty(want) || order.Empty() || !isEmpty(engine.Filter{}) || !(api.Filter{}).Empty() {
		t.Error("an empty filter is not told from one that picks")
	}
}

func TestDecodeBody(t *testing.T) {
	tests := []struct {
		name, body, media string
		status            int // 0: fine
		want              string
	}{
		{"fine", `{"handler": "h", "filter": {"vehicle": "v"}, "rate": 2}`, "application/json; charset=utf-8", 0, ""},
		{"empty", ` `, "application/json", 400, "the body is empty: send a JSON object with handler, filter.dead_letter_ids,"},
		{"unknown", `{"handlers": "h"}`, "application/json", 400, `unknown field "handlers": there are handler, filter.`},
		{"unknown inside", `{"filter": {"vin": "v"}}`, "application/json", 400, `unknown field "vin": there are handler, filter.`},
		{"wrong type", `{"rate": "fast"}`, "application/json", 400, "rate must be a number, not a string"},
		{"wrong type inside", `{"filter": {"event_ids": "e"}}`, "application/json", 400, "filter.event_ids must be a list, not a string"},
		{"no JSON", `{"rate": 1,}`, "application/json", 400, "it is no JSON at byte 12"},
		{"cut off", `{"rate": 1`, "application/json", 400, "cut off"},
		{"more behind", `{} {}`, "application/json", 400, "goes on"},
		{"as a form", `{"handler": "h"}`, "text/plain", 415, "Content-Type: application/json"},
		{"too large", `{"handler": "` + strings.Repeat("h", maxBody) + `"}`, "application/json", 413, "larger than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.media)
			var o api.ReplayRequest
			err := decodeBody(r, &o)
			if tt.status == 0 {
				if err != nil || o.Handler != "h" || o.Filter.Vehicle != "v" || *o.Rate != 2 {
					t.Errorf("%v: %+v", err, o)
				}
				return
			}
			wantRefusal(t, err, tt.status, tt.want)
		})
	}
}
