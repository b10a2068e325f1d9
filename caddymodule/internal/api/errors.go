package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Refusal is an answer with an error.
type Refusal struct {
	status  int
	message string
}

func (e *Refusal) Error() string { return e.message }

// IsNotFound reports whether an error is an answer that there is no such thing.
func IsNotFound(err error) bool { return isRefusal(err, http.StatusNotFound) }

// IsBadRequest reports whether an error is an answer that the request cannot be meant.
func IsBadRequest(err error) bool { return isRefusal(err, http.StatusBadRequest) }

func isRefusal(err error, status int) bool {
	refused, ok := errors.AsType[*Refusal](err)
	return ok && refused.status == status
}

// TimeoutError says that no answer came in time, or not all of it. What was asked for may have been done.
type TimeoutError struct {
	Address string
	After   time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("no answer from Caddy's admin endpoint at %s within %s; what was asked for may have been done.\n"+
		"Caddy is busy, hangs, or something else listens there: look at its log, or wait longer with --timeout",
		e.Address, e.After)
}

// TooLargeError says that an answer has more than MaxAnswer bytes.
type TooLargeError struct{ Address string }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the answer from %s has more than %d MiB: what answers there is no admin endpoint with this module",
		e.Address, MaxAnswer>>20)
}

// unreachable says what to do about an endpoint that does not answer.
func (c *Client) unreachable(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the address again
	}
	return fmt.Errorf("no answer from Caddy's admin endpoint at %s: %w\n"+
		"Is Caddy running on this machine, as a user whose endpoint you may use? Under systemd, `systemctl status caddy`\n"+
		"and `journalctl -u caddy` say. Name the endpoint with --address, or the config that Caddy runs with --config;\n"+
		"a config with `admin off` has none, and these commands need one",
		c.Address, err)
}

// refusal reads an answer with an error.
func (c *Client) refusal(status int, raw []byte) error {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(raw, &said) == nil && said.Error != "" {
		return &Refusal{status, said.Error}
	}
	return &Refusal{status, c.notOurs().Error()}
}

// notOurs is the error for an answer that comes from something else.
func (c *Client) notOurs() error {
	return fmt.Errorf("there is no Caddy admin endpoint with this module at %s:"+
		" what answers there is another program, another Caddy, or one of Caddy's sites.\n"+
		"Name the endpoint with --address, or the config that Caddy runs with --config", c.Address)
}
