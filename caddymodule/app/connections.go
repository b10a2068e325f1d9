package app

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// WatchConnections counts the connections of the server that is being set up with ctx, once however many
// receivers it has.
func (a *App) WatchConnections(ctx caddy.Context) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server == nil || a.watched[server] {
		return
	}
	if a.watched == nil {
		a.watched = make(map[*caddyhttp.Server]bool)
	}
	a.watched[server] = true
	server.RegisterConnContext(a.ref.counts.Connections.Begin)
	server.RegisterConnState(a.ref.counts.Connections.Turn)
}
