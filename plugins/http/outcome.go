package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// maxRetryAfter bounds what an application may ask for: a typing error must not hold up a vehicle for years.
const maxRetryAfter = 24 * time.Hour

// judge turns the answer to an event into what becomes of it.
func (p *poster) judge(e *sdk.Event, resp *http.Response, now time.Time) error {
	status := resp.StatusCode
	if status >= 200 && status < 300 {
		p.ready.accept(e)
		return nil
	}
	err := answered(resp.Request.URL.Host, status)
	switch p.rules.of(status) {
	case fateDone:
		p.ready.accept(e)
		return nil
	case fateReject:
		return sdk.Reject("http_"+strconv.Itoa(status), err)
	case fateUnavailable:
		if !p.ready.refuse(e) {
			return sdk.Unavailable(err)
		}
		err = fmt.Errorf("%w; it accepts other events", err)
	}
	return sdk.Retry(retryAfter(resp.Header.Get("Retry-After"), now), err)
}

// answered says what the application answered and, where that is likely, what to do.
func answered(host string, status int) error {
	err := fmt.Errorf("%s answered %d", host, status)
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Errorf("%w: check what this handler's config has for authorization,"+
			" and that the application takes it", err)
	case status >= 300 && status < 400:
		return fmt.Errorf("%w: redirects are not followed, so url must be the final address", err)
	}
	return err
}

// retryAfter reads a Retry-After header, in seconds or as a date; 0 if there is none that makes sense.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	seconds, err := strconv.ParseUint(value, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
	}
	if err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// failure judges a request that got no answer. Without a connection the application is down, which must not count
// against an event. With one, the event itself may be the reason.
func failure(target *url.URL, conn *net.Conn, err error) error {
	host := target.Host
	// url.Error repeats the URL, which may hold a secret in its query.
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if conn == nil {
		host, err = dialled(host, err)
		return sdk.Unavailable(fmt.Errorf("%s: connecting failed: %w", host, err))
	}
	if refused := refusal(*conn, err); refused != nil {
		return sdk.Unavailable(fmt.Errorf("%s: %w", host, refused))
	}
	// Errors of net/http may quote what the other side sent, so the text contains only what is known.
	var system syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s: no answer in time", host)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: the delivery was cancelled", host)
	case errors.As(err, &system):
		return fmt.Errorf("%s: the connection broke: %w", host, system)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the connection was closed before the answer", host)
	}
	return fmt.Errorf("%s: the answer is not one that HTTP knows", host)
}

// notEstablished is what net/http says of an HTTP/2 connection that ended before a request was on its way. It exports no
// error for that.
const notEstablished = "http2: client conn could not be established"

// refusal returns why the server refused the connection itself, nil where it may have read the event. In TLS 1.3 that
// is how it refuses a certificate: with an alert after the handshake.
func refusal(conn net.Conn, err error) error {
	if h2c, ok := conn.(*h2cConn); ok {
		if h2c.begun.Load() || isTimeout(err) {
			return nil
		}
		return errNotH2C
	}
	const ended = "the server ended the TLS connection"
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return fmt.Errorf(ended+": %w; check tls in this handler's config", alert.Err)
	}
	if err.Error() == notEstablished {
		return errors.New(ended + " before a request; check tls in this handler's config")
	}
	return nil
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, os.ErrDeadlineExceeded)
}

// dialled returns why an address could not be dialled, without the system call and the
// address that the host has already said; one that its name led to is added to the host.
func dialled(host string, err error) (string, error) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" {
		return host, err
	}
	if op.Addr != nil && op.Addr.String() != host {
		host += " (" + op.Addr.String() + ")"
	}
	if system, ok := errors.AsType[*os.SyscallError](op.Err); ok {
		return host, system.Err
	}
	return host, op.Err
}
