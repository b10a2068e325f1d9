package http

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// maxDrain is how much of an answer is read so that its connection can be used again; a longer answer costs the
// connection.
const maxDrain = 64 << 10

// poster sends events to one URL.
type poster struct {
	config config
	rules  rules
	ready  *readiness
	client *http.Client
}

// post delivers one event.
func (p *poster) post(ctx context.Context, e *sdk.Event) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := p.request(ctx, e)
	if err != nil {
		return sdk.Reject("unsendable", err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return failure(req.URL.Host, connected.Load(), err)
	}
	defer resp.Body.Close()
	// The status has been read, whatever the rest of the answer is.
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	return p.judge(e, resp, time.Now())
}

// request is the event in the shape in which Smartcar sent it: the raw bytes with their signature, so that an
// application can keep verifying it.
func (p *poster) request(ctx context.Context, e *sdk.Event) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.config.URL, bytes.NewReader(e.Payload))
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
	req.Header.Set("Content-Type", "application/json")
	setHeader(req, "Content-Type", e.ContentType)
	setHeader(req, headerSignature, e.Signature)
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
