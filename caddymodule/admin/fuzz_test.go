package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// refusedByAPI fails the test unless err is an answer of the admin API that blames the sender.
func refusedByAPI(t *testing.T, err error) {
	t.Helper()
	var api caddy.APIError
	if !errors.As(err, &api) || api.HTTPStatus < 400 || api.HTTPStatus > 499 {
		t.Fatalf("%v is no answer", err)
	}
}

// FuzzParams: a query is refused with a 4xx, or read within its limits, and says the same
// when it is written again.
func FuzzParams(f *testing.F) {
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
		} else if n < 1 || n > api.MaxLimit {
			t.Fatalf("limit %d", n)
		}
		if _, err := p.bool("flag"); err != nil {
			refusedByAPI(t, err)
		}
		if _, err := p.filter(); err != nil {
			refusedByAPI(t, err)
		}
		if at, err := p.cursor(deadLetterCursor); err != nil {
			refusedByAPI(t, err)
		} else if at != "" {
			back, err := params{"cursor": {makeCursor(deadLetterCursor, at)}}.cursor(deadLetterCursor)
			if err != nil || back != at {
				t.Fatalf("cursor %q became %q: %v", at, back, err)
			}
			if _, err := (params{"cursor": {makeCursor(deadLetterCursor, at)}}).cursor(eventCursor); err == nil {
				t.Fatal("a cursor of dead letters was taken for one of events")
			}
		}
	})
}

// FuzzBody: the body of a POST is refused with a 4xx, or encoding/json reads the same.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"event_ids":["a"],"handler":"h","since":"2026-03-01T15:04:05Z"}`, `{"vehicle":1}`, `{"vehicel":"v"}`, `{}{}`, `[]`, ` `, `{"vehicle":"v"`,
		`null`, `{"VEHICLE":"v"}`, `{"vehicle":"a","vehicle":"b"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		var got api.Filter
		if err := decodeBody(r, &got); err != nil {
			refusedByAPI(t, err)
			return
		}
		var want api.Filter
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
