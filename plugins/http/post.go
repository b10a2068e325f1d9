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

// maxDrain is how much of an answer is read so that its connection can be used
// again; a longer answer costs the connection.
const maxDrain = 64 << 10

// poster sends events to one URL.
type poster struct {
	config config
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
	// Whatever the rest of the answer is, its status has been read.
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	return judge(req.URL.Host, resp, time.Now())
}

// request is the event in the shape in which Smartcar sent it: the raw bytes with
// their signature, so that an application can go on verifying it.
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
	// Not sent, but it lets net/http try once more by itself when a kept connection
	// turns out to be closed; delivery is at least once anyway.
	req.Header["Idempotency-Key"] = nil
	return req, nil
}

// maxStale is how long the list of stale signals may be, in bytes. All that Smartcar
// documents fit; a server that takes no such header would refuse the event for it.
const maxStale = 4 << 10

// staleList joins codes for a header. Those that no list can have, and those that are
// too many, are left out.
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

// setHeader leaves out a value that is empty or that no header may have: what
// came from outside must not keep an event from being delivered.
func setHeader(req *http.Request, name, value string) {
	if value != "" && httpguts.ValidHeaderFieldValue(value) {
		req.Header.Set(name, value)
	}
}
