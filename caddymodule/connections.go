package caddymodule

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// connections count those of the servers that have a receiver. What a server refuses by
// itself, such as bytes that are no TLS or half a request, reaches no receiver and
// would be seen nowhere else.
type connections struct {
	open                             atomic.Int64
	opened, withoutRequest, unserved atomic.Uint64
	all                              sync.Map // net.Conn to *connection
}

// connection is what is known of one.
type connection struct {
	requested, served atomic.Bool
}

// Connections is what became of connections since the buffer was first used by this
// process. Those of HTTP/3 are not counted.
type Connections struct {
	// Open is how many there are now; Opened, how many there have been.
	Open   int64  `json:"open"`
	Opened uint64 `json:"opened"`
	// WithoutRequest counts those that ended before a byte of a request came: nothing was
	// sent, or there was no TLS.
	WithoutRequest uint64 `json:"without_request"`
	// WithoutWebhook counts those on which something came, but nothing for a receiver: half a request,
	// one that the server refused, or one for another path.
	WithoutWebhook uint64 `json:"without_webhook"`
}

func (c *connections) snapshot() Connections {
	return Connections{
		Open: c.open.Load(), Opened: c.opened.Load(),
		WithoutRequest: c.withoutRequest.Load(), WithoutWebhook: c.unserved.Load(),
	}
}

type connectionKey struct{}

// begin is called once for each connection, before its first state. What another module's
// listener wrapper makes of a connection may be no key of a map; those are not counted.
func (c *connections) begin(ctx context.Context, conn net.Conn) context.Context {
	if !reflect.ValueOf(conn).Comparable() {
		return ctx
	}
	k := new(connection)
	c.all.Store(conn, k)
	c.open.Add(1)
	c.opened.Add(1)
	return context.WithValue(ctx, connectionKey{}, k)
}

// turn is called when a connection changes its state.
func (c *connections) turn(conn net.Conn, state http.ConnState) {
	if !reflect.ValueOf(conn).Comparable() {
		return
	}
	switch state {
	case http.StateActive:
		if k, ok := c.all.Load(conn); ok {
			k.(*connection).requested.Store(true)
		}
	case http.StateClosed, http.StateHijacked:
		k, ok := c.all.LoadAndDelete(conn)
		if !ok {
			return
		}
		c.open.Add(-1)
		switch k := k.(*connection); {
		case k.served.Load():
		case k.requested.Load():
			c.unserved.Add(1)
		default:
			c.withoutRequest.Add(1)
		}
	}
}

// markServed notes that a request has reached a receiver.
func markServed(r *http.Request) {
	if k, ok := r.Context().Value(connectionKey{}).(*connection); ok && !k.served.Load() {
		k.served.Store(true)
	}
}

// watch counts the connections of the server that is being set up with ctx, once however many
// receivers it has.
func (a *App) watch(ctx caddy.Context) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server == nil || a.watched[server] {
		return
	}
	if a.watched == nil {
		a.watched = make(map[*caddyhttp.Server]bool)
	}
	a.watched[server] = true
	server.RegisterConnContext(a.ref.counts.connections.begin)
	server.RegisterConnState(a.ref.counts.connections.turn)
}
