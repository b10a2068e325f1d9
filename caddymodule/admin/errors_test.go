package admin

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

func TestPlain(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"not found": {&engine.UnknownHandlerError{Name: "x", Known: []string{"a b", "c"}}, `no handler "x"; there are a b, c`},
		"in use":    {&engine.ConfiguredError{Name: "x"}, `handler "x" is configured: remove it from the handlers file first`},
		"not open":  {&engine.NotOpenError{Cause: errors.New("the disk says no")}, "the disk says no"},
		"other":     {errors.New("the disk says no"), "the disk says no"},
	} {
		got := plain(tt.err)
		if got.Error() != tt.want || !errors.Is(got, tt.err) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestErrorsHaveTheirStatus(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{buffer.ErrNotFound, 404},
		{buffer.ErrInUse, 409},
		{buffer.ErrClosed, 503},
		{buffer.ErrHalted, 503},
		{engine.ErrNotOpen, 503},
		{context.DeadlineExceeded, 503},
		{errors.New("other"), 500},
		{apiErrorf(418, "tea"), 418},
	} {
		wantRefusal(t, asAPIError(fmt.Errorf("doing it: %w", tt.err)), tt.want, "")
	}
}
