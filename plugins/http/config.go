package http

import (
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// config is the config block of the handlers file.
type config struct {
	URL          string            `config:"url" doc:"Where to POST events: an http or https address."`
	Paths        map[string]string `config:"paths,optional" doc:"Paths for events of single types, instead of that of url: VEHICLE_ERROR = \"/webhooks/errors\"."`
	UnixSocket   string            `config:"unix_socket,optional" doc:"The unix socket where the application listens; url then gives the Host header and the path."`
	Protocol     string            `config:"protocol" default:"auto" doc:"auto: HTTP/2 where TLS and the server offer it, else HTTP/1.1; h2c: HTTP/2 without TLS."`
	TLS          *tlsFiles         `config:"tls" doc:"Certificates for an https url."`
	Timeout      time.Duration     `config:"timeout" default:"10s" doc:"How long one request may take, from connecting to the end of the answer."`
	SignToken    *string           `config:"sign_token,optional,sensitive" doc:"Sign the body anew with this token, in SC-Signature."`
	BearerToken  *string           `config:"bearer_token,optional,sensitive" doc:"The token of the header Authorization: Bearer."`
	BasicAuth    *basicAuth        `config:"basic_auth" doc:"User name and password of the header Authorization: Basic."`
	Headers      map[string]string `config:"headers,optional,sensitive" doc:"Headers to add."`
	OnStatus     map[string]string `config:"on_status,optional" doc:"What becomes of an event by the status of the answer: \"404\" or \"4xx\" = \"done\", \"retry\", \"reject\" or \"unavailable\"."`
	MaxIdleConns int               `config:"max_idle_conns" default:"32" doc:"How many connections are kept open between requests."`
	IdleTimeout  time.Duration     `config:"idle_timeout" default:"90s" doc:"How long an unused connection is kept."`
}

// The headers that the plugin sets itself.
const (
	headerSignature = "SC-Signature"
	headerEventID   = "X-Smartcar-Event-Id"
	headerAttempt   = "X-Smartcar-Attempt"
	headerSource    = "X-Smartcar-Source"
	headerReplay    = "X-Smartcar-Replay"
	headerStale     = "X-Smartcar-Stale-Signals"
	// headerTraceParent is sent for deliveries that are traced. The config may set it.
	headerTraceParent = "Traceparent"
)

// reserved headers are those of the event and of the connection.
var reserved = map[string]bool{
	textproto.CanonicalMIMEHeaderKey(headerSignature): true,
	headerEventID:       true,
	headerAttempt:       true,
	headerSource:        true,
	headerReplay:        true,
	headerStale:         true,
	"Content-Type":      true,
	"Content-Length":    true,
	"Transfer-Encoding": true,
	"Connection":        true,
	"Keep-Alive":        true,
	"Upgrade":           true,
	"Te":                true,
	"Trailer":           true,
	"Idempotency-Key":   true,
}

// Validate checks what types cannot express. It never repeats the URL or the value of a header: either may hold a
// secret.
func (c config) Validate() error {
	errs := []error{checkURL(c.URL), c.checkConnection(), c.checkAuth()}
	if c.SignToken != nil {
		if err := smartcar.CheckToken(*c.SignToken); err != nil {
			errs = append(errs, sdk.ConfigError("sign_token", "Not a token", "The token "+err.Error()+"."))
		}
	}
	if c.Timeout <= 0 {
		errs = append(errs, sdk.ConfigError("timeout", "Not a time to wait", "Use a time above zero, such as \"10s\"."))
	}
	if c.MaxIdleConns < 1 {
		errs = append(errs, sdk.ConfigError("max_idle_conns", "Too few", "Use 1 or more."))
	}
	if c.IdleTimeout <= 0 {
		errs = append(errs, sdk.ConfigError("idle_timeout", "Not a time to wait", "Use a time above zero, such as \"90s\"."))
	}
	for name, value := range c.Headers {
		errs = append(errs, checkHeader(name, value))
	}
	_, wrong := newRules(c.OnStatus)
	errs = append(errs, wrong...)
	_, wrong = newAddresses(c.URL, c.Paths)
	return errors.Join(append(errs, wrong...)...)
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return sdk.ConfigError("url", "Not a URL", "It cannot be read. Write it like \"http://127.0.0.1:3000/webhooks/smartcar\".")
	}
	if strings.Contains(u.Scheme, "unix") {
		return sdk.ConfigError("url", "Not an http or https URL", "Write the socket's path into unix_socket, and into url the"+
			" host and path of the requests: \"http://localhost/webhooks/smartcar\".")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return sdk.ConfigError("url", "Not an http or https URL", "Write it like \"http://127.0.0.1:3000/webhooks/smartcar\".")
	}
	if u.User != nil {
		return sdk.ConfigError("url", "Name or password in the URL",
			"Put them into the block basic_auth, where they are kept out of logs.")
	}
	if u.Fragment != "" {
		return sdk.ConfigError("url", "Fragment in the URL", "What follows # is never sent; leave it out.")
	}
	return nil
}

func checkHeader(name, value string) error {
	// The path ends at headers: a name with a dot in it would be read as two steps.
	if !httpguts.ValidHeaderFieldName(name) {
		return sdk.ConfigError("headers", "Not a header name", "A name has letters, digits and -.")
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return sdk.ConfigError("headers", "Not a header value",
			"The value of "+name+" has characters that no header may have, such as a line break at its end.")
	}
	if reserved[http.CanonicalHeaderKey(name)] || strings.HasPrefix(http.CanonicalHeaderKey(name), "Proxy-") {
		return sdk.ConfigError("headers", "Header is taken",
			name+" is set by the plugin or belongs to the connection; leave it out.")
	}
	return nil
}
