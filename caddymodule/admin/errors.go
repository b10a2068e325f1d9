package admin

import (
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// plainError says an error in words for people; what it is stays to be found in it.
type plainError struct {
	text string
	error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error { return e.error }

// plain says of a buffer that cannot be opened only why.
func plain(err error) error {
	if notOpen, ok := errors.AsType[*engine.NotOpenError](err); ok {
		return &plainError{notOpen.Cause.Error(), err}
	}
	return err
}
