package notify

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddy-smartcar/caddy-smartcar/plugins/notify/send"
)

// errRefused is a message that a target does not want, whatever else it may take.
var errRefused = errors.New("the message itself is refused")

// errLater is a target that takes nothing now.
var errLater = errors.New("the target is not ready")

// judge says whether a message that a target did not take is refused or has to wait: errRefused or errLater, with why.
// Only what is about this message alone refuses it. A token, a path or a host that is wrong is for an operator to mend,
// and then the message has to be there still.
func (t *target) judge(err error) error {
	e, ok := errors.AsType[*send.Error](err)
	switch {
	case !ok:
		return fmt.Errorf("%w: %s: %w", errLater, t.name, err)
	case e.Reason == send.Unsendable, e.Reason == send.Refused && t.isFinal(e):
		return fmt.Errorf("%w: %s: %w", errRefused, t.kind, err)
	case e.Reason == send.Refused && e.Code/100 == 4 && !t.isMail() && e.Code != http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s: %w: check its URL and headers in this handler's config", errLater, t.kind, err)
	case e.Step == send.StepFrom, e.Step == send.StepTo:
		return fmt.Errorf("%w: %s: %w: check the addresses in this handler's config", errLater, t.kind, err)
	}
	return fmt.Errorf("%w: %s: %w", errLater, t.kind, err)
}

// isFinal reports whether an answer is a no to the message.
func (t *target) isFinal(e *send.Error) bool {
	if t.isMail() {
		// A server that refuses this machine or an address says 550 to 554 too, of every mail.
		return e.Step == send.StepMessage && e.Code >= 550 && e.Code <= 554
	}
	switch e.Code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity:
		return true
	}
	return false
}
