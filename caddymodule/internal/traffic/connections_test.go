package traffic

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

func TestConnectionsAreCounted(t *testing.T) {
	var c ConnectionCounters
	connect := func(served bool, states ...http.ConnState) {
		conn, other := net.Pipe()
		defer other.Close()
		ctx := c.Begin(context.Background(), conn)
		if served {
			for range 2 {
				MarkServed(httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx))
			}
		}
		for _, state := range states {
			c.Turn(conn, state)
		}
	}
	connect(false, http.StateNew)
	connect(false, http.StateNew, http.StateClosed)
	connect(false, http.StateNew, http.StateClosed, http.StateClosed)
	connect(false, http.StateNew, http.StateActive, http.StateClosed)
	connect(false, http.StateNew, http.StateActive, http.StateHijacked)
	connect(false, http.StateNew, http.StateActive, http.StateIdle)
	connect(true, http.StateNew, http.StateActive, http.StateIdle, http.StateActive, http.StateClosed)
	want := api.Connections{Open: 2, Opened: 7, WithoutRequest: 2, WithoutWebhook: 2}
	if diff := cmp.Diff(want, c.Snapshot()); diff != "" {
		t.Error(diff)
	}
	// A request on a server that is not watched, as in a test.
	MarkServed(httptest.NewRequest(http.MethodPost, "/", nil))
}
