package send

import (
	"errors"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// refusedMail judges a mail that was not taken. What a server says in words may repeat addresses, or what it was sent,
// so its number stands for it.
func refusedMail(host string, err error) *Error {
	step := StepOpening
	refusal, isStep := errors.AsType[*gomail.SendError](err)
	if isStep {
		step = stepOf(refusal.Reason)
	}
	said, isAnswer := errors.AsType[*textproto.Error](err)
	switch {
	case isAnswer:
		return answered(host, said.Code, step)
	case isStep && refusal.ErrorCode() != 0:
		return answered(host, refusal.ErrorCode(), step)
	case strings.Contains(err.Error(), "does not support STARTTLS"): // the library has no error of its own for it
		return errorf(host, Untrusted, 0,
			"it offers no STARTTLS, so that nothing was sent: write smtps://, or insecure")
	case errors.Is(err, gomail.ErrNoSupportedAuthDiscovered),
		strings.Contains(err.Error(), "does not support SMTP AUTH"):
		return errorf(host, Refused, 0, "it takes no username and password, or in no way that is known here")
	default:
		return failed(host, err)
	}
}

// answered is a refusal with a number.
func answered(host string, code int, step Step) *Error {
	words := wordsOf[step]
	if code/10 == 53 {
		words = ": it refuses the username or the password, or wants them"
	}
	e := errorf(host, Refused, code, "it answered %d%s", code, words)
	e.Step = step
	return e
}

// wordsOf say what was refused.
var wordsOf = map[Step]string{
	StepOpening: " at the beginning",
	StepFrom:    " to the sender's address (from)",
	StepTo:      " to a recipient's address (to)",
	StepData:    " before the mail itself",
	StepMessage: " to the mail itself",
}

// stepOf is the step at which the library was. Its error of the data command comes before the server has seen anything
// of the mail.
func stepOf(reason gomail.SendErrReason) Step {
	switch reason {
	case gomail.ErrSMTPMailFrom:
		return StepFrom
	case gomail.ErrSMTPRcptTo:
		return StepTo
	case gomail.ErrSMTPData:
		return StepData
	case gomail.ErrSMTPDataClose, gomail.ErrWriteContent:
		return StepMessage
	default:
		return StepOpening
	}
}
