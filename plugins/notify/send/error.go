package send

import (
	"fmt"
	"time"
)

// Reason is why a message did not get through.
type Reason string

// The reasons.
const (
	// Unreachable: there was no connection, or no answer in time.
	Unreachable Reason = "unreachable"
	// Untrusted: the certificate cannot be verified, or there is no TLS.
	Untrusted Reason = "untrusted"
	// Redirected: the answer names another place, where the message is not sent.
	Redirected Reason = "redirected"
	// Refused: the answer was no.
	Refused Reason = "refused"
	// Unsendable: no request can be made of the message.
	Unsendable Reason = "unsendable"
)

// Step is what a mail server was asked for when it refused.
type Step string

// The steps, in their order. Only at the last one has the server seen the message.
const (
	// StepOpening is all until a mail begins: greeting, STARTTLS, login.
	StepOpening Step = "opening"
	// StepFrom and StepTo are the addresses of the sender and of a recipient.
	StepFrom Step = "from"
	StepTo   Step = "to"
	// StepData asks for leave to send the message.
	StepData Step = "data"
	// StepMessage is the message itself.
	StepMessage Step = "message"
)

// Error is why a message did not get through. Its text holds no secret.
type Error struct {
	// Host is that of the other side.
	Host   string
	Reason Reason
	// Code is what the other side answered, in HTTP's or SMTP's numbers; 0: nothing.
	Code int
	// Step is what a mail server has refused; "" of all others, and where nothing was refused.
	Step Step
	// RetryAfter is how long the other side asked to wait; 0: it did not.
	RetryAfter time.Duration
	text       string
}

func (e *Error) Error() string { return e.Host + ": " + e.text }

func errorf(host string, reason Reason, code int, format string, args ...any) *Error {
	return &Error{Host: host, Reason: reason, Code: code, text: fmt.Sprintf(format, args...)}
}
