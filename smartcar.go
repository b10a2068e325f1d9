// Package smartcar puts Smartcar's webhooks into a build of Caddy. It is what xcaddy links:
//
//	xcaddy build --with github.com/caddy-smartcar/caddy-smartcar
//
// Importing it registers the app `smartcar`, the directive `smartcar_webhook`, the buffers, the admin API and the
// command `caddy smartcar`; all of them live in package caddymodule and below. Whoever writes a handler imports
// package sdk instead.
package smartcar

import (
	// Registers Caddy's modules and commands.
	_ "github.com/caddy-smartcar/caddy-smartcar/caddymodule"
)
