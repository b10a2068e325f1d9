// Package caddymodule is Smartcar's webhooks for Caddy: importing it registers the app
// `smartcar` with its disk buffer, the receiver `smartcar_webhook`, the admin API and the
// commands `caddy smartcar …`.
package caddymodule

import (
	// Each registers in its init what Caddy is to see of it.
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/admin"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/app"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer/disk/module"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/command"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/handover"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/health"
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule/receiver"
)
