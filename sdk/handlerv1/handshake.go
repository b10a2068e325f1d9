// Package handlerv1 is the wire protocol between the host and a handler plugin:
// the Go code generated from handler.proto, and what the two sides must agree on
// before the first call. Authors of Go handlers import package sdk instead.
package handlerv1

// What go-plugin's handshake needs on both sides. A plugin in another language
// checks the cookie in its environment, prints go-plugin's handshake line with
// ProtocolVersion, and serves HandlerService.
const (
	// ProtocolVersion is go-plugin's application protocol version for package
	// smartcar.handler.v1.
	ProtocolVersion = 1
	// CookieKey and CookieValue are an environment variable by which a plugin knows
	// that it was started by the host and not by hand. They are no secret.
	CookieKey   = "CADDY_SMARTCAR_PLUGIN"
	CookieValue = "smartcar.handler.v1"
	// PluginName is the name under which go-plugin dispenses the handler.
	PluginName = "handler"
	// MaxMessageBytes bounds one gRPC message in either direction. gRPC's own default
	// of 4 MiB would be too small for a batch of large webhooks.
	MaxMessageBytes = 16 << 20
)
