package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
)

// Each says its own text to people, and is found by what it is, wrapped or not.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		is   error
		want string
	}{
		{&UnknownHandlerError{Name: "x", Known: []string{"a b", "c"}}, buffer.ErrNotFound, `no handler "x"; there are a b, c`},
		{&UnknownHandlerError{Name: "x"}, buffer.ErrNotFound, `no handler "x": none is configured`},
		{&NotRemovedError{Name: "x", Removed: []string{"a", "b"}}, buffer.ErrNotFound, `no handler "x" was removed; those that were: a, b`},
		{&NotRemovedError{Name: "x"}, buffer.ErrNotFound, `no handler "x" was removed, and no other`},
		{&ConfiguredError{Name: "x"}, buffer.ErrInUse, `handler "x" is configured: remove it from the handlers file first`},
		{&NotConfiguredError{Handlers: []string{"a", "b"}}, buffer.ErrNotFound, "handlers a, b, which have such dead letters, are not configured: " +
			"pick those of other handlers, put them back into the handlers file, or drop their dead letters"},
		{&NotOpenError{Cause: fs.ErrPermission}, ErrNotOpen, "buffer cannot be opened: permission denied"},
		{&NotOpenError{Cause: fs.ErrPermission}, fs.ErrPermission, "buffer cannot be opened: permission denied"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%T says %q, want %q", tt.err, got, tt.want)
		}
		if !errors.Is(fmt.Errorf("wrapped: %w", tt.err), tt.is) {
			t.Errorf("%T is not %q", tt.err, tt.is)
		}
	}
}
