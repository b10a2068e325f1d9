package send

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// maxRedirects bounds how often one request is sent on, within a host.
const maxRedirects = 3

// poster posts JSON to one URL.
type poster struct {
	url     *url.URL
	header  http.Header
	timeout time.Duration
	// roots, where it is set, are the authorities that are believed in place of the system's.
	roots *x509.CertPool
}

// newPoster checks what it gets. Errors never hold any of it but the scheme.
func newPoster(raw string, headers map[string]string, insecure bool) (*poster, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("is no URL")
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, errors.New("is no https URL: write it like https://example.com/hook")
	case u.User != nil:
		return nil, errors.New("has a name or a password in the URL: put them into a header, Authorization")
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		return nil, errors.New("is http, where anybody on the way reads it: write https, or `insecure` into its block")
	}
	header := http.Header{"User-Agent": {"caddy-smartcar"}, "Content-Type": {"application/json"}}
	for name, value := range headers {
		if err := checkHeader(name, value); err != nil {
			return nil, err
		}
		header.Set(name, value)
	}
	return &poster{url: u, header: header, timeout: DefaultTimeout}, nil
}

// checkHeader refuses what is no header, and those that belong to the request itself.
func checkHeader(name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return errors.New("has a header whose name is none: a name has letters, digits and -")
	}
	if !httpguts.ValidHeaderFieldValue(value) || value == "" {
		return fmt.Errorf("has a header %s whose value is none: it is empty, or has a line break in it", name)
	}
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Host", "Upgrade", "Te", "Trailer":
		return fmt.Errorf("has a header %s, which belongs to the request itself: leave it out", name)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// answer is what came back: the beginning of its body, for a sender that knows what to make of it.
type answer struct {
	status int
	body   []byte
}

// post sends a body, and returns the answer where that is a yes.
func (p *poster) post(ctx context.Context, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, errorf(p.url.Host, Unsendable, 0, "the request cannot be made")
	}
	req.Header = p.header.Clone()
	// A message is rare: a connection that is kept would be closed before the next one.
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, DisableCompression: true, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: maxAnswer,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.roots},
	}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, CheckRedirect: stayAtHost}).Do(req)
	if err != nil {
		return answer{}, failed(p.url.Host, err)
	}
	defer resp.Body.Close()
	// The status has been read: what follows decides nothing.
	start, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	a := answer{status: resp.StatusCode, body: start}
	if a.status/100 == 2 {
		return a, nil
	}
	if a.status/100 == 3 {
		return a, errorf(p.url.Host, Redirected, a.status,
			"it answered %d: such a redirect is not followed, so write the final address", a.status)
	}
	refusal := errorf(p.url.Host, Refused, a.status, "it answered %d", a.status)
	refusal.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return a, refusal
}

// stayAtHost follows a redirect only where it keeps the body, the host and TLS.
func stayAtHost(next *http.Request, before []*http.Request) error {
	first := before[0]
	if next.Method != http.MethodPost || next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme ||
		len(before) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// retryAfter reads a Retry-After header, in seconds or as a date; 0 if there is none that makes sense.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
