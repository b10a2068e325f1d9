// Package http is the bundled plugin that posts events to an application in the shape in which Smartcar sends them. Its
// README describes the config and what each answer means.
package http

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Plugin is the plugin "http".
func Plugin() *sdk.Plugin {
	return sdk.New("http", open)
}

func open(ctx context.Context, c config) (sdk.Handler, error) {
	transport := newTransport(c)
	sdk.OnClose(ctx, func(context.Context) error {
		transport.CloseIdleConnections()
		return nil
	})
	// Validate has refused what would be an error here.
	rules, _ := newRules(c.OnStatus)
	p := &poster{config: c, rules: rules, ready: newReadiness(), client: &http.Client{
		Transport: transport,
		// A redirected POST loses its body or goes to a stranger.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return p.post, nil
}

func newTransport(c config) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: c.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        c.MaxIdleConns,
		MaxIdleConnsPerHost: c.MaxIdleConns,
		IdleConnTimeout:     c.IdleTimeout,
		TLSHandshakeTimeout: c.Timeout,
		// Only the status counts, so compression is wasted work.
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
