package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"
)

// silent says why nothing answered.
func silent(r Result, err error) Result {
	r.State, r.err = Silent, err
	// That is how crypto/tls words an alert of the other side.
	alert, isAlert := errors.AsType[*net.OpError](err)
	isAlert = isAlert && alert.Op == "remote error"
	switch {
	case nothingListens(err):
		r.Why = "nothing listens at " + r.Address
		r.Do = "if Caddy has just been started, wait; else look at Caddy's log, and at the addresses of the sites"
	case cutOff(err):
		r.State = Unchecked
		r.Why = "the listener at " + r.Address + " ends the connection without an answer:" +
			" it may take those of a proxy only (proxy_protocol)"
	case errors.Is(err, context.DeadlineExceeded):
		r.Why = fmt.Sprintf("no answer within %s from %s", askTimeout, r.Address)
		r.Do = "look at Caddy's log, and at the machine's load"
	case isAlert && r.Nameless():
		r.State = Unchecked
		r.Why = fmt.Sprintf("the site has no name to ask for, and its listener no TLS without one: %v", alert.Err)
	case isAlert:
		r.Why = fmt.Sprintf("no TLS with the name %q: %v", r.serverName(), alert.Err)
		r.Do = "Caddy may have no certificate for this name yet: look at its log"
	default:
		r.Why = fmt.Sprintf("no answer from %s: %v", r.Address, cause(err))
		r.Do = "look at Caddy's log"
	}
	return r
}

func nothingListens(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

func cutOff(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed)
}

// cause is the innermost error: those around it repeat the address.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// elsewhere says what probably answered in the receiver's place.
func elsewhere(r Result, status int) Result {
	r.State, r.Status = Elsewhere, status
	answered := fmt.Sprintf("something else answers, with status %d", status)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired:
		r.Why = answered + ": authentication before the receiver"
		r.Do = "exempt the receiver's path from basic_auth or forward_auth: Smartcar has no password"
	case status == http.StatusRequestEntityTooLarge:
		r.Why = answered + ": a limit of the body's size before the receiver"
		r.Do = "raise max_size of request_body to 256KiB or more"
	case status >= 200 && status < 300:
		r.Why = answered + ": another route comes first, and Smartcar takes that for a delivery"
		r.Do = "move smartcar_webhook before what answers, as with route or handle; until then each event is lost"
	case status >= 300 && status < 400:
		r.Why = answered + ": a redirect before the receiver"
		r.Do = "exempt the receiver's path from it"
	case status == http.StatusNotFound:
		r.Why = answered + ": no route leads to the receiver, or another one comes first"
		r.Do = "look at the matchers of the site, and at what stands before smartcar_webhook"
	default:
		r.Why = answered
		r.Do = "look at what stands before smartcar_webhook in the site"
	}
	return r
}

// unknown says why a receiver answered that does not know the question.
func unknown(r Result, status int) Result {
	r.State, r.Status = Elsewhere, status
	r.Why = fmt.Sprintf("a receiver answers, with status %d, that does not know the question: that of another Caddy at %s,"+
		" or this one without the header Cookie", status, r.Address)
	r.Do = "stop the other Caddy, or wait if it is being replaced; where there is none," +
		" take out what removes Cookie before the receiver"
	return r
}

// refusal says why the receiver itself would refuse each event.
func refusal(code string) (why, do string) {
	switch code {
	case "body_too_large", bodyNotReceived:
		return fmt.Sprintf("a body of %d KiB does not get through (%s)", bodySize>>10, code),
			"raise max_size of the receiver, and of request_body before it"
	case signatureChanged:
		return "something before the receiver removes or changes the header SC-Signature",
			"take out what changes it, such as request_header"
	case bodyChanged:
		return "something before the receiver changes the body", "take out what changes it, such as request_body set"
	default:
		return "the receiver gets requests changed (" + code + ")",
			"take out what changes method, Content-Type or Content-Encoding before the receiver"
	}
}
