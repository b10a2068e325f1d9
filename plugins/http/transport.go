package http

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// What the attribute protocol may be.
const (
	protocolAuto = "auto"
	protocolH2C  = "h2c"
)

// maxSocketPath is how long the path of a unix socket may be in bytes on every system.
const maxSocketPath = 103

// pingAfter is how long an HTTP/2 connection may be silent before it is asked whether it is still there. Without that,
// a connection to a machine that vanished would fail request after request.
const pingAfter = 15 * time.Second

// checkConnection refuses what does not fit together in url, unix_socket, protocol and tls.
func (c config) checkConnection() error {
	var errs []error
	if c.UnixSocket != "" && (!strings.HasPrefix(c.UnixSocket, "/") || len(c.UnixSocket) > maxSocketPath) {
		errs = append(errs, sdk.ConfigError("unix_socket", "Not the path of a socket", fmt.Sprintf(
			"Write its whole path, of at most %d bytes, such as \"/run/app.sock\"; url then says the host and path of"+
				" the requests, such as \"http://localhost/webhooks/smartcar\".", maxSocketPath)))
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return errors.Join(errs...) // checkURL says it
	}
	switch {
	case c.Protocol != protocolAuto && c.Protocol != protocolH2C:
		errs = append(errs, sdk.ConfigError("protocol", "Unknown protocol", notAProtocol(c.Protocol)))
	case c.Protocol == protocolH2C && u.Scheme == "https":
		errs = append(errs, sdk.ConfigError("protocol", "HTTP/2 without TLS on an https url",
			"Leave protocol out: with TLS, HTTP/2 is used where the server offers it."))
	}
	if c.TLS != nil && u.Scheme == "http" {
		errs = append(errs, sdk.ConfigError("tls", "TLS on an http url", "Write https in url, or leave the block out."))
	}
	return errors.Join(errs...)
}

func notAProtocol(protocol string) string {
	text := fmt.Sprintf("%q is neither \"auto\" nor \"h2c\".", protocol)
	switch strings.ToLower(protocol) {
	case "h2c", "h2", "http2", "http/2", "http/2.0", "http2c", "h2-c":
		return text + " HTTP/2 without TLS is \"h2c\"; with TLS it needs no setting."
	case "http", "https", "http1", "http/1", "http/1.1", "tls":
		return text + " Leave it out: the scheme of url says it."
	}
	return text
}

func newTransport(c config, tlsConfig *tls.Config) *http.Transport {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         c.dial,
		TLSClientConfig:     tlsConfig,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: pingAfter},
		MaxIdleConns:        c.MaxIdleConns,
		MaxIdleConnsPerHost: c.MaxIdleConns,
		IdleConnTimeout:     c.IdleTimeout,
		TLSHandshakeTimeout: c.Timeout,
		// Only the status counts, so compression is wasted work.
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if c.UnixSocket != "" || c.Protocol == protocolH2C {
		t.Proxy = nil // there is none that leads to a socket, or speaks h2c
	}
	if c.Protocol == protocolH2C {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetUnencryptedHTTP2(true)
	}
	return t
}

// dial connects to the address, or to the unix socket whatever the address is.
func (c config) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: c.Timeout, KeepAlive: 30 * time.Second}
	if c.UnixSocket != "" {
		network, address = "unix", c.UnixSocket
	}
	conn, err := dialer.DialContext(ctx, network, address)
	switch {
	case err != nil:
		return nil, err
	case c.Protocol == protocolH2C:
		return &h2cConn{Conn: conn}, nil
	case strings.HasPrefix(c.URL, "https:"):
		return alertConn{conn}, nil
	}
	return conn, nil
}
