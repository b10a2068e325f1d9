package http

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// maxDrain is how much of an answer is read so that its connection can be used again; a longer answer costs the
// connection.
const maxDrain = 64 << 10

// poster sends events to one application.
type poster struct {
	config    config
	addresses addresses
	rules     rules
	ready     *readiness
	clients   *clients
	// keys sign bodies anew; nil where they keep Smartcar's signature.
	keys *smartcar.Keys
	// authorization is the header of basic_auth or bearer_token, "" without them.
	authorization string
}

func newPoster(c config, clients *clients) *poster {
	p := &poster{config: c, ready: newReadiness(), clients: clients, authorization: c.authorization()}
	// Validate has refused what would be an error here.
	p.rules, _ = newRules(c.OnStatus)
	p.addresses, _ = newAddresses(c.URL, c.Paths)
	if c.SignToken != nil {
		p.keys = smartcar.NewKeys(*c.SignToken)
	}
	return p
}

// post delivers one event.
func (p *poster) post(ctx context.Context, e *sdk.Event) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	var conn atomic.Pointer[net.Conn] // that the request went over
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// Where a kept connection turns out to be closed, net/http asks for another one.
		GetConn: func(string) { conn.Store(nil) },
		GotConn: func(info httptrace.GotConnInfo) { conn.Store(&info.Conn) },
	})
	req, err := p.request(ctx, e)
	if err != nil {
		return sdk.Reject("unsendable", err)
	}
	resp, err := p.clients.current(ctx).Do(req)
	if err != nil {
		return failure(req.URL, conn.Load(), err)
	}
	defer resp.Body.Close()
	// The status has been read, whatever the rest of the answer is.
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	return p.judge(e, resp, time.Now())
}

// request is the event in the shape in which Smartcar sent it: the raw bytes with their signature, or one by the
// application's own token, so that the application can keep verifying it.
func (p *poster) request(ctx context.Context, e *sdk.Event) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.addresses.of(e.Type), bytes.NewReader(e.Payload))
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	req.Header.Set("User-Agent", "caddy-smartcar")
	for name, value := range p.config.Headers {
		req.Header.Set(name, value)
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value
		}
	}
	if p.authorization != "" {
		req.Header.Set("Authorization", p.authorization)
	}
	req.Header.Set("Content-Type", "application/json")
	setHeader(req, "Content-Type", e.ContentType)
	setHeader(req, headerSignature, p.signature(e))
	setHeader(req, headerEventID, e.ID)
	setHeader(req, headerSource, e.Source)
	setHeader(req, headerAttempt, strconv.Itoa(e.Attempt))
	if e.Replay {
		setHeader(req, headerReplay, "true")
	}
	setHeader(req, headerStale, staleList(e.StaleSignals))
	if len(req.Header[headerTraceParent]) == 0 { // else it is the config's
		setHeader(req, headerTraceParent, sdk.TraceParent(ctx))
	}
	// net/http does not send a nil value, but the key lets it try again by itself when a kept connection turns out to
	// be closed; delivery is at least once anyway.
	req.Header["Idempotency-Key"] = nil
	return req, nil
}

// signature is that of the bytes that are sent, "" where there is none: Smartcar's does not fit a body from which stale
// signals were dropped.
func (p *poster) signature(e *sdk.Event) string {
	if p.keys != nil {
		return p.keys.Sign(e.Payload)
	}
	return e.Signature
}

// maxStale is how long the list of stale signals may be, in bytes. All documented codes fit; a server would refuse the
// event because of a header that is too long.
const maxStale = 4 << 10

// staleList joins codes for a header. It omits those that a list cannot contain and those beyond maxStale.
func staleList(codes []string) string {
	var list strings.Builder
	for _, code := range codes {
		if strings.ContainsAny(code, ", ") || !httpguts.ValidHeaderFieldValue(code) {
			continue
		}
		if list.Len()+len(", ")+len(code) > maxStale {
			break
		}
		if list.Len() > 0 {
			list.WriteString(", ")
		}
		list.WriteString(code)
	}
	return list.String()
}

// setHeader omits a value that is empty or that no header may have: a value from outside must not keep an event from
// being delivered.
func setHeader(req *http.Request, name, value string) {
	if value != "" && httpguts.ValidHeaderFieldValue(value) {
		req.Header.Set(name, value)
	}
}
