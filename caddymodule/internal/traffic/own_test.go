package traffic

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// from is a connection from an address, which is known only when the channel is closed.
type from struct {
	net.Conn
	address net.Addr
	known   chan struct{}
}

func (c *from) RemoteAddr() net.Addr {
	<-c.known
	return c.address
}

func connectionFrom(t *testing.T, port int, known chan struct{}) net.Conn {
	t.Helper()
	conn, other := net.Pipe()
	t.Cleanup(func() { conn.Close(); other.Close() })
	return &from{Conn: conn, address: addressOf(port), known: known}
}

func addressOf(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }

func atOnce() chan struct{} {
	known := make(chan struct{})
	close(known)
	return known
}

// A connection that this process makes to itself is not counted, whichever end is first to say so, and whether or not
// its request gets to a receiver.
func TestOwnConnectionsAreNotCounted(t *testing.T) {
	for name, states := range map[string][]http.ConnState{
		"a request":    {http.StateNew, http.StateActive, http.StateIdle, http.StateActive, http.StateClosed},
		"no request":   {http.StateNew, http.StateClosed},
		"it is closed": {http.StateClosed, http.StateClosed},
	} {
		t.Run(name, func(t *testing.T) {
			for _, before := range []bool{true, false} {
				var c ConnectionCounters
				conn := connectionFrom(t, 4711, atOnce())
				if before {
					c.Own(addressOf(4711))
				}
				c.Begin(context.Background(), conn)
				if !before {
					c.Own(addressOf(4711))
				}
				for _, state := range states {
					c.Turn(conn, state)
					if got := c.Snapshot(); state == http.StateActive && got != (api.Connections{}) {
						t.Errorf("while it is open: %+v", got)
					}
				}
				if got := c.Snapshot(); got != (api.Connections{}) {
					t.Errorf("when it has ended: %+v", got)
				}
			}
		})
	}
}

// The receiver may take a connection out of the counts too, as with a unix socket's.
func TestDisownedConnectionsAreNotCounted(t *testing.T) {
	var c ConnectionCounters
	c.Own(&net.UnixAddr{Name: "@", Net: "unix"})
	conn := connectionFrom(t, 4711, atOnce())
	ctx := c.Begin(context.Background(), conn)
	for range 2 {
		c.Disown(httptest.NewRequest(http.MethodPost, "/", nil).WithContext(ctx))
	}
	c.Turn(conn, http.StateActive)
	c.Turn(conn, http.StateClosed)
	if got := c.Snapshot(); got != (api.Connections{}) || len(c.own.list) != 0 {
		t.Errorf("%+v, %v", got, c.own.list)
	}
}

// Behind PROXY protocol the remote address is known only when the client has sent it: a client that sends nothing holds
// up neither the loop that accepts connections nor the asker.
func TestNobodyWaitsForARemoteAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c ConnectionCounters
		known := make(chan struct{})
		done := make(chan struct{})
		begun := time.Now()
		go func() {
			defer close(done)
			for port := range 3 {
				c.Own(addressOf(port))
				conn := connectionFrom(t, port, known)
				c.Begin(context.Background(), conn)
				c.Turn(conn, http.StateNew)
				c.Own(addressOf(1000 + port))
			}
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("waited for the address")
		}
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("it took %s", waited)
		}
		close(known)
		synctest.Wait()
	})
}

// An address stands for one connection; those of connections that never come up here are forgotten.
func TestOwnAddressesAreBounded(t *testing.T) {
	var c ConnectionCounters
	for port := range 3 * mostOwn {
		c.Own(addressOf(port))
	}
	if got := strings.Join(c.own.list, " "); len(c.own.list) != mostOwn || !strings.HasSuffix(got, addressOf(3*mostOwn-1).String()) {
		t.Errorf("kept: %s", got)
	}
	for range 2 {
		conn := connectionFrom(t, 3*mostOwn-1, atOnce())
		c.Begin(context.Background(), conn)
		c.Turn(conn, http.StateActive)
	}
	if got := c.Snapshot(); got != (api.Connections{Open: 1, Opened: 1}) {
		t.Errorf("the second one from an address is somebody else's: %+v", got)
	}
}
