// Package handlerv1 is the wire protocol between the host and a handler plugin: the Go code generated from
// handler.proto, and what both sides must know before the first call. Authors of Go handlers import package sdk
// instead.
package handlerv1

// What go-plugin's handshake needs on both sides. A plugin in another language checks the cookie in its environment,
// prints go-plugin's handshake line with ProtocolVersion, and serves HandlerService.
const (
	// ProtocolVersion is go-plugin's application protocol version for package smartcar.handler.v1.
	ProtocolVersion = 1
	// CookieKey and CookieValue are an environment variable that tells a plugin that the host started it, not a person.
	// They are no secret.
	CookieKey   = "CADDY_SMARTCAR_PLUGIN"
	CookieValue = "smartcar.handler.v1"
	// PluginName is the name under which go-plugin dispenses the handler.
	PluginName = "handler"
	// TraceParentKey is the metadata of a Handle call that names the span it belongs to, as the header traceparent of
	// W3C's Trace Context does. A call that is not traced has none.
	TraceParentKey = "traceparent"
	// MaxMessageBytes bounds one gRPC message in either direction. gRPC's default of 4 MiB is too small for a batch of
	// large webhooks. The host takes less than that: in an answer to Handle 64 KiB for each event of the call, in one to
	// another call 256 KiB.
	MaxMessageBytes = 16 << 20
)
