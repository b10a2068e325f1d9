package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Prefix is where the admin API lies on Caddy's admin endpoint.
const Prefix = "/smartcar/"

const (
	// DefaultTimeout bounds a call, its answer included.
	DefaultTimeout = 30 * time.Second
	// MaxAnswer bounds an answer in bytes. A page of 1000 dead letters with long errors has some 10 MB.
	MaxAnswer = 64 << 20
)

// Client talks to the running Caddy.
type Client struct {
	// Address is where its admin endpoint listens, as in its config, with a port or the path of a socket.
	Address string
	// Timeout bounds each call; 0: DefaultTimeout.
	Timeout time.Duration
}

// Call asks for path below /smartcar/, and decodes the answer into answer. It returns
// the answer's bytes as they came. Errors: *Refusal, *TimeoutError, *TooLargeError, or what
// keeps the endpoint from being reached.
func (c *Client) Call(method, path string, query url.Values, order, answer any) ([]byte, error) {
	uri := Prefix + path
	if len(query) > 0 {
		uri += "?" + query.Encode()
	}
	var body io.Reader
	if order != nil {
		data, err := json.Marshal(order)
		if err != nil {
			return nil, fmt.Errorf("encoding the order: %w", err)
		}
		body = bytes.NewReader(data)
	}
	raw, err := c.granted(context.Background(), method, uri, body)
	switch {
	case err != nil:
		return nil, err
	case !json.Valid(raw):
		return nil, c.notOurs()
	case answer == nil:
		return raw, nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return nil, c.notOurs()
	}
	return raw, nil
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}

// ask makes the request and reads the answer.
func (c *Client) ask(ctx context.Context, method, uri string, body io.Reader) (status int, raw []byte, err error) {
	to, err := caddy.ParseNetworkAddress(c.Address)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the address %s of Caddy's admin endpoint: %w", c.Address, err)
	}
	origin := "http://" + to.JoinHostPort(0)
	if to.IsUnixNetwork() {
		origin = "http://127.0.0.1"               // Caddy takes this as the host of a socket
		to.Host, _, _ = strings.Cut(to.Host, "|") // the socket's permissions are for the listener
	}
	r, err := http.NewRequestWithContext(ctx, method, origin+uri, body)
	if err != nil {
		return 0, nil, fmt.Errorf("making the request: %w", err)
	}
	if !to.IsUnixNetwork() {
		r.Header.Set("Origin", origin)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, to.Network, to.JoinHostPort(0))
		},
	}}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, c.unreachable(err)
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("reading the answer of %s: %w", c.Address, err)
	}
	if len(raw) > MaxAnswer {
		return 0, nil, &TooLargeError{Address: c.Address}
	}
	return resp.StatusCode, raw, nil
}

// Fetch asks for a path of Caddy's own admin endpoint, such as /config/. Errors: those of Call.
func (c *Client) Fetch(ctx context.Context, uri string) ([]byte, error) {
	return c.granted(ctx, http.MethodGet, uri, nil)
}

// granted returns the answer to a request that is not refused, within the time that there is for it.
func (c *Client) granted(ctx context.Context, method, uri string, body io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	status, raw, err := c.ask(ctx, method, uri, body)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &TimeoutError{Address: c.Address, After: c.timeout()}
	case err != nil:
		return nil, err
	case status >= http.StatusBadRequest:
		return nil, c.refusal(status, raw)
	}
	return raw, nil
}
