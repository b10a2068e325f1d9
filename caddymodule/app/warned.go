package app

import (
	"context"
	"log/slog"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/sitecheck"
)

// Warned are the servers whose sites were looked at for mistakes, so that each is said once however many handlers a server
// has. The zero value is ready for use.
type Warned struct {
	mu      sync.Mutex
	servers map[*caddyhttp.Server]bool
}

// Sites logs the mistakes in the sites of the server that is being set up with ctx.
func (w *Warned) Sites(ctx caddy.Context, log *slog.Logger) error {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server == nil {
		return nil
	}
	view, err := viewOf(server)
	if err != nil {
		return err
	}
	if w.of(server, view, log) {
		context.AfterFunc(ctx, func() { w.forget(server) })
	}
	return nil
}

// of reports whether the server is a new one.
func (w *Warned) of(server *caddyhttp.Server, view *sitecheck.Server, log *slog.Logger) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.servers[server] {
		return false
	}
	if w.servers == nil {
		w.servers = make(map[*caddyhttp.Server]bool)
	}
	w.servers[server] = true
	losses, bypasses := view.Findings()
	warn(log, "site loses events", losses)
	warn(log, "site lets requests through unverified", bypasses)
	return true
}

func (w *Warned) forget(server *caddyhttp.Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.servers, server)
}

func warn(log *slog.Logger, line string, found []sitecheck.Finding) {
	for _, f := range found {
		log.Warn(line, slog.String("site", f.Site), slog.String("directive", f.Directive), slog.String("warning", f.Text))
	}
}
