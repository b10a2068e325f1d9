// Package caddymodule is Smartcar's webhooks for Caddy: the app `smartcar` with its
// buffer and handlers, the handler `smartcar_webhook` that receives, and what the
// Caddyfile and the command line need for both.
package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	// The default buffer.
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk"
)

func init() {
	caddy.RegisterModule(new(App))
	caddy.RegisterModule(new(Receiver))
	caddy.RegisterModule(new(AdminAPI))
	httpcaddyfile.RegisterGlobalOption(appName, parseApp)
	httpcaddyfile.RegisterHandlerDirective(directive, parseReceiver)
	httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "respond")
	registerCommands()
}
