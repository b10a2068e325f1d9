package traffic

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// ConnectionCounters count those of the servers that have a receiver. What a server refuses by
// itself, such as bytes that are no TLS or half a request, reaches no receiver and
// would be seen nowhere else.
type ConnectionCounters struct {
	open                             atomic.Int64
	opened, withoutRequest, unserved atomic.Uint64
	all                              sync.Map // net.Conn to *connection
	own                              ownAddresses
}

// connection is what is known of one. own: it is one of this process, and not counted.
type connection struct {
	requested, served, own atomic.Bool
}

// Snapshot copies the counts.
func (c *ConnectionCounters) Snapshot() api.Connections {
	return api.Connections{
		Open: c.open.Load(), Opened: c.opened.Load(),
		WithoutRequest: c.withoutRequest.Load(), WithoutWebhook: c.unserved.Load(),
	}
}

type connectionKey struct{}

// Begin is called once for each connection, before its first state, by the loop that accepts them all: it waits for
// nothing of the connection. Even its remote address may be read from it first, as with PROXY protocol. What another
// module's listener wrapper makes of a connection may be no key of a map; those are not counted.
func (c *ConnectionCounters) Begin(ctx context.Context, conn net.Conn) context.Context {
	if !reflect.ValueOf(conn).Comparable() {
		return ctx
	}
	k := new(connection)
	c.open.Add(1)
	c.opened.Add(1)
	c.all.Store(conn, k)
	return context.WithValue(ctx, connectionKey{}, k)
}

// Turn is called when a connection changes its state. By its first request, and by its end, the server knows its remote
// address: only then is it compared.
func (c *ConnectionCounters) Turn(conn net.Conn, state http.ConnState) {
	if !reflect.ValueOf(conn).Comparable() {
		return
	}
	switch state {
	case http.StateActive:
		k, ok := c.all.Load(conn)
		if ok && k.(*connection).requested.CompareAndSwap(false, true) && c.own.take(conn) {
			c.takeBack(k.(*connection))
		}
	case http.StateClosed, http.StateHijacked:
		ended, ok := c.all.LoadAndDelete(conn)
		if !ok {
			return
		}
		k := ended.(*connection)
		if !k.requested.Load() && c.own.take(conn) {
			c.takeBack(k)
		}
		if k.own.Load() {
			return
		}
		c.open.Add(-1)
		switch {
		case k.served.Load():
		case k.requested.Load():
			c.unserved.Add(1)
		default:
			c.withoutRequest.Add(1)
		}
	}
}

// Own keeps a connection out of the counts that this process makes to itself from an address, once it has a request or
// ends at the other end. Those of unix sockets have no address: see Disown.
func (c *ConnectionCounters) Own(address net.Addr) {
	if address.Network() != "unix" {
		c.own.add(address)
	}
}

// Disown takes the connection of a request out of the counts, if it is still in them.
func (c *ConnectionCounters) Disown(r *http.Request) {
	if k, ok := r.Context().Value(connectionKey{}).(*connection); ok && c != nil {
		c.takeBack(k)
	}
}

func (c *ConnectionCounters) takeBack(k *connection) {
	if k.own.CompareAndSwap(false, true) {
		c.open.Add(-1)
		c.opened.Add(^uint64(0))
	}
}

// MarkServed notes that a request has reached a receiver.
func MarkServed(r *http.Request) {
	if k, ok := r.Context().Value(connectionKey{}).(*connection); ok && !k.served.Load() {
		k.served.Store(true)
	}
}
