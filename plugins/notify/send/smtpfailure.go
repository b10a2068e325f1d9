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
	step := "at the beginning"
	refusal, isStep := errors.AsType[*gomail.SendError](err)
	if isStep {
		step = stepOf(refusal.Reason)
	}
	said, isAnswer := errors.AsType[*textproto.Error](err)
	switch {
	case isAnswer && said.Code/10 == 53:
		return errorf(host, Refused, said.Code,
			"it answered %d: it refuses the username or the password, or wants them", said.Code)
	case isAnswer:
		return errorf(host, Refused, said.Code, "it answered %d %s", said.Code, step)
	case isStep && refusal.ErrorCode() != 0:
		return errorf(host, Refused, refusal.ErrorCode(), "it answered %d %s", refusal.ErrorCode(), step)
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

// stepOf says at which step of a conversation something was refused.
func stepOf(reason gomail.SendErrReason) string {
	switch reason {
	case gomail.ErrSMTPMailFrom:
		return "to the sender's address (from)"
	case gomail.ErrSMTPRcptTo:
		return "to a recipient's address (to)"
	case gomail.ErrSMTPData, gomail.ErrSMTPDataClose, gomail.ErrWriteContent:
		return "to the mail itself"
	default:
		return "to the conversation"
	}
}
