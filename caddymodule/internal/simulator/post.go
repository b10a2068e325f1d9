package simulator

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

const answerTimeout = 15 * time.Second

// Poster makes single requests as Smartcar does: 15 s for an answer, redirects not followed.
type Poster struct {
	url     string
	timeout time.Duration
	client  *http.Client
	own     *http.Transport // nil for a client of the caller
}

// NewPoster makes a Poster for a receiver's address, with one connection; a nil TLS takes the system's certificates. Close
// it in the end.
func NewPoster(url string, tls *tls.Config) *Poster {
	return newPoster(Options{URL: url, TLS: tls, Concurrency: 1, Timeout: answerTimeout})
}

func newPoster(o Options) *Poster {
	p := &Poster{url: o.URL, timeout: o.Timeout}
	var client http.Client
	if o.Client != nil {
		client = *o.Client
	} else {
		p.own = &http.Transport{
			Proxy:           http.ProxyFromEnvironment,
			Protocols:       new(http.Protocols),
			TLSClientConfig: o.TLS,
			// The default keeps two connections for later requests and makes new ones for
			// all others, which would measure handshakes.
			MaxIdleConns:        o.Concurrency,
			MaxIdleConnsPerHost: o.Concurrency,
			MaxConnsPerHost:     o.Concurrency,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		}
		p.own.Protocols.SetHTTP1(true)
		client.Transport = p.own
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.client = &client
	return p
}

// Close ends the connections.
func (p *Poster) Close() {
	if p.own != nil {
		p.own.CloseIdleConnections()
	}
}

// Reply is what came back.
type Reply struct {
	// Status is 0 if there was no answer; Err then says why, without the URL.
	Status int
	Err    error
	// Code is "error" of the answer's JSON, else its "status"; empty without.
	Code string
	// Latency is the time from the start of the request to the end of the answer.
	Latency time.Duration

	header http.Header
	body   []byte
}

// Accepted reports whether Smartcar would not send the event again.
func (a Reply) Accepted() bool { return a.Status >= 200 && a.Status <= 299 }

// Post makes one request; an empty signature sends none.
func (p *Poster) Post(ctx context.Context, body []byte, signature string) Reply {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	start := time.Now()
	a := p.post(ctx, body, signature)
	a.Latency = time.Since(start)
	if a.Err != nil {
		a.Status, a.Err = 0, withoutURL(a.Err)
		return a
	}
	a.Code = answerCode(a.body)
	return a
}

func (p *Poster) post(ctx context.Context, body []byte, signature string) (a Reply) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		a.Err = fmt.Errorf("making the request: %w", err)
		return a
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Smartcar/simulator")
	if signature != "" {
		req.Header.Set(smartcar.SignatureHeader, signature)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		a.Err = err
		return a
	}
	defer func() { _ = resp.Body.Close() }()
	a.Status, a.header = resp.StatusCode, resp.Header
	// Read to the end, so that the connection can be used again.
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, 64<<10)); err != nil {
		a.Err = fmt.Errorf("reading the answer: %w", err)
	}
	return a
}

// withoutURL takes off what net/http puts before an error: a URL can hold secrets.
func withoutURL(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		return inURL.Err
	}
	return err
}

func answerCode(answer []byte) string {
	var w struct{ Error, Status any }
	_ = json.Unmarshal(answer, &w)
	for _, code := range []any{w.Error, w.Status} {
		if text, ok := code.(string); ok && isCode(text) {
			return text
		}
	}
	return ""
}

// isCode reports whether s is a code, and not a sentence that may differ from answer to answer.
func isCode(s string) bool {
	if s == "" || len(s) > 48 {
		return false
	}
	for _, c := range []byte(s) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
