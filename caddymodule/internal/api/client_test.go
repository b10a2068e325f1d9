package api

import (
	"errors"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	c := &Client{Address: "localhost:2019"}
	for name, tt := range map[string]struct {
		err    string
		status int
		want   string
	}{
		"an answer":       {`caddy responded with error: HTTP 404: {"error":"there is no handler \"x\""}` + "\n", 404, `there is no handler "x"`},
		"no such module":  {"caddy responded with error: HTTP 404: 404 page not found\n", 404, "no Caddy admin endpoint with this module at localhost:2019"},
		"something else":  {"caddy responded with error: HTTP 502: bad\ngateway", 502, "no Caddy admin endpoint with this module at localhost:2019"},
		"nobody there":    {"performing request: connection refused", 0, "--address"},
		"admin endpoints": {"performing request: connection refused", 0, "admin off"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.explain(errors.New(tt.err))
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %q", err, tt.want)
			}
			if refused, ok := errors.AsType[*Refusal](err); ok != (tt.status > 0) || ok && refused.status != tt.status {
				t.Errorf("%+v, want status %d", refused, tt.status)
			}
		})
	}
}
