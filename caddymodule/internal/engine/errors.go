package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// ErrNotOpen matches every NotOpenError.
var ErrNotOpen = errors.New("buffer cannot be opened")

// NotOpenError says that the buffer cannot be opened: nothing was stored, answer 503.
type NotOpenError struct {
	// Cause is why.
	Cause error
}

// Error says what cannot be done, and why.
func (e *NotOpenError) Error() string { return ErrNotOpen.Error() + ": " + e.Cause.Error() }

// Unwrap makes it an ErrNotOpen, and what its cause is.
func (e *NotOpenError) Unwrap() []error { return []error{ErrNotOpen, e.Cause} }

// NothingToAcceptError says that a buffer cannot be accepted: it is open, so that it is the one that the place had.
type NothingToAcceptError struct {
	// Key names the buffer.
	Key string
}

// Error says why.
func (e *NothingToAcceptError) Error() string {
	return fmt.Sprintf("there is nothing to accept: %s is open, and is the buffer that it was", e.Key)
}

// UnknownHandlerError says that no handler of a name is in force. It is a
// buffer.ErrNotFound.
type UnknownHandlerError struct {
	Name string
	// Known are the handlers that are in force, sorted.
	Known []string
}

// Error names the handlers that there are.
func (e *UnknownHandlerError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("no handler %q: none is configured", e.Name)
	}
	return fmt.Sprintf("no handler %q; there are %s", e.Name, strings.Join(e.Known, ", "))
}

// Unwrap makes it a buffer.ErrNotFound.
func (e *UnknownHandlerError) Unwrap() error { return buffer.ErrNotFound }

// NotRemovedError says that no handler of a name was removed, so that there is nothing to
// forget. It is a buffer.ErrNotFound.
type NotRemovedError struct {
	Name string
	// Removed are the handlers that were removed.
	Removed []string
}

// Error names the handlers that were removed.
func (e *NotRemovedError) Error() string {
	if len(e.Removed) == 0 {
		return fmt.Sprintf("no handler %q was removed, and no other", e.Name)
	}
	return fmt.Sprintf("no handler %q was removed; those that were: %s", e.Name, strings.Join(e.Removed, ", "))
}

// Unwrap makes it a buffer.ErrNotFound.
func (e *NotRemovedError) Unwrap() error { return buffer.ErrNotFound }

// ConfiguredError says that a handler cannot be forgotten while it is configured. It is a
// buffer.ErrInUse.
type ConfiguredError struct{ Name string }

// Error says what to do first.
func (e *ConfiguredError) Error() string {
	return fmt.Sprintf("handler %q is configured: remove it from the handlers file first", e.Name)
}

// Unwrap makes it a buffer.ErrInUse.
func (e *ConfiguredError) Unwrap() error { return buffer.ErrInUse }

// NotRestartedError says that the new process of a handler did not start, so that nothing has
// changed.
type NotRestartedError struct {
	Name string
	// Cause is why.
	Cause error
	// Running: the process from before goes on.
	Running bool
	// Mistaken: its definition has a mistake, so that it has no process until a reload brings another one.
	Mistaken bool
}

// Error says what goes on, and why.
func (e *NotRestartedError) Error() string {
	if e.Running {
		return fmt.Sprintf("handler %q was not restarted, its process goes on as it is: %v", e.Name, e.Cause)
	}
	if e.Mistaken {
		return fmt.Sprintf("handler %q was not restarted, mend its mistake and reload: %v", e.Name, e.Cause)
	}
	return fmt.Sprintf("handler %q was not restarted, its start is tried again: %v", e.Name, e.Cause)
}

// Unwrap returns the cause.
func (e *NotRestartedError) Unwrap() error { return e.Cause }

// NotConfiguredError says that dead letters cannot be replayed because their handlers are
// not configured. It is a buffer.ErrNotFound.
type NotConfiguredError struct {
	// Handlers are those of the dead letters, sorted.
	Handlers []string
}

// Error names the handlers, and says what can be done.
func (e *NotConfiguredError) Error() string {
	return fmt.Sprintf("handlers %s, which have such dead letters, are not configured: pick those of other handlers, "+
		"put them back into the handlers file, or drop their dead letters", strings.Join(e.Handlers, ", "))
}

// Unwrap makes it a buffer.ErrNotFound.
func (e *NotConfiguredError) Unwrap() error { return buffer.ErrNotFound }
