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

// A connection that this process makes to itself is not counted, whichever end is first to say so.
func TestOwnConnectionsAreNotCounted(t *testing.T) {
	for _, before := range []bool{true, false} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		var c ConnectionCounters
		begin := func() (here, there net.Conn, ctx context.Context) {
			here, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			there, err = listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if before {
				c.Own(here.LocalAddr())
			}
			ctx = c.Begin(context.Background(), there)
			c.Own(here.LocalAddr())
			return here, there, ctx
		}
		here, there, ctx := begin()
		defer here.Close()
		c.Disown(httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx))
		if got := c.Snapshot(); got != (api.Connections{}) {
			t.Errorf("while it is open: %+v", got)
		}
		c.Turn(there, http.StateActive)
		c.Turn(there, http.StateClosed)
		if got := c.Snapshot(); got != (api.Connections{}) {
			t.Errorf("when it has ended: %+v", got)
		}
	}
}
