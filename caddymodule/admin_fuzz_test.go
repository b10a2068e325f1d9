package caddymodule

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"
)

// refusedByAPI fails the test unless err is an answer of the admin API that blames the sender.
func refusedByAPI(t *testing.T, err error) {
	t.Helper()
	var api caddy.APIError
	if !errors.As(err, &api) || api.HTTPStatus < 400 || api.HTTPStatus > 499 {
		t.Fatalf("%v is no answer", err)
	}
}

// FuzzAdminParams: a query is refused with a 4xx, or read within its limits, and says the same
// when it is written again.
func FuzzAdminParams(f *testing.F) {
	f.Add("limit=5&cursor=" + makeCursor(eventCursor, "17"))
	f.Add("cursor=&vehicle=v&since=2026-03-01T15:04:05Z")
	f.Add("limit=0&limit=1")
	f.Add("event_id=a&event_id=b&reason=poison")
	f.Add("%zz;a=b&cursor=ZA")
	known := append([]string{"vehicle", "type", "mode", "source", "webhook", "since", "until", "handler", "reason", "event_id", "dead_letter_id", "flag"}, pageParams...)
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := parseParams(raw, known)
		if err != nil {
			refusedByAPI(t, err)
			return
		}
		again, err := parseParams(url.Values(p).Encode(), known)
		if diff := cmp.Diff(p, again); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
		if n, err := p.limit(); err != nil {
			refusedByAPI(t, err)
		} else if n < 1 || n > largestLimit {
			t.Fatalf("limit %d", n)
		}
		if _, err := p.bool("flag"); err != nil {
			refusedByAPI(t, err)
		}
		if _, err := p.filter(); err != nil {
			refusedByAPI(t, err)
		}
		if at, err := p.cursor(letterCursor); err != nil {
			refusedByAPI(t, err)
		} else if at != "" {
			back, err := params{"cursor": {makeCursor(letterCursor, at)}}.cursor(letterCursor)
			if err != nil || back != at {
				t.Fatalf("cursor %q became %q: %v", at, back, err)
			}
			if _, err := (params{"cursor": {makeCursor(letterCursor, at)}}).cursor(eventCursor); err == nil {
				t.Fatal("a cursor of dead letters was taken for one of events")
			}
		}
	})
}

// FuzzAdminOrder: the body of a POST is refused with a 4xx, or encoding/json reads the same.
func FuzzAdminOrder(f *testing.F) {
	for _, seed := range []string{
		`{"event_ids":["a"],"handler":"h","since":"2026-03-01T15:04:05Z"}`, `{"vehicle":1}`, `{"vehicel":"v"}`, `{}{}`, `[]`, ` `, `{"vehicle":"v"`,
		`null`, `{"VEHICLE":"v"}`, `{"vehicle":"a","vehicle":"b"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		var got filterOrder
		if err := decodeOrder(r, &got); err != nil {
			refusedByAPI(t, err)
			return
		}
		var want filterOrder
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzMoment: what the command line takes for a time, the admin API takes too, as the same one.
func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"2h", "3d", "0s", "-1h", "2026-03-01T15:04:05Z", "2026-03-01 15:04", "2026-03-01", "290y", "9999999h", "0000-01-01", "106751d"} {
		f.Add(seed)
	}
	now := time.Date(2026, 3, 14, 15, 4, 5, 6, time.FixedZone("x", 5400))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := moment("--since", text, now)
		if err != nil || text == "" {
			return
		}
		at, err := parseTime("since", got)
		if err != nil {
			t.Fatalf("%q became %q, which the API refuses: %v", text, got, err)
		}
		if again, err := moment("--since", got, now); err != nil || again != got {
			t.Fatalf("%q became %q: %v", got, again, err)
		}
		if d, err := caddy.ParseDuration(text); err == nil && !at.Equal(now.Add(-d)) {
			t.Fatalf("%q before %v is %v", text, now, at)
		}
	})
}
