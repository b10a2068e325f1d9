package send

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

// failed judges a conversation that broke. What libraries say may quote the URL, a proxy with its password, or what the
// other side sent, so the text holds only what is known to be none of that.
func failed(host string, err error) *Error {
	var system syscall.Errno
	var lookup *net.DNSError
	switch {
	case isTimeout(err):
		return errorf(host, Unreachable, 0, "no answer in time")
	case errors.Is(err, context.Canceled):
		return errorf(host, Unreachable, 0, "it was cancelled")
	case isUntrusted(err):
		return errorf(host, Untrusted, 0, "%s", distrust(err))
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return errorf(host, Unreachable, 0, "there is no such host")
	case errors.As(err, &lookup):
		return errorf(host, Unreachable, 0, "its name cannot be looked up")
	case errors.As(err, &system):
		return errorf(host, Unreachable, 0, "%s", system)
	case errors.Is(err, errTooLong):
		return errorf(host, Refused, 0, "its answer is too long")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return errorf(host, Unreachable, 0, "the connection was closed before the answer")
	}
	return errorf(host, Unreachable, 0, "the conversation broke")
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

func isUntrusted(err error) bool {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return unverified || noTLS || alert || errors.Is(err, http.ErrSchemeMismatch)
}

// distrust says why there is no TLS that can be believed.
func distrust(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "it does not speak TLS there"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "its certificate has expired, or is not valid yet"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for another name"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is of an authority that this machine does not know"
	}
	return "its certificate cannot be verified"
}
