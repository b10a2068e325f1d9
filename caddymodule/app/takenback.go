package app

import (
	"context"
	"errors"

	"github.com/caddyserver/caddy/v2"
)

// takenBack reports whether this config is cleaned up because it was refused, and so never was in force. Where one of
// the signs is missing it counts as one that was: then what it made in the buffer stays and is shown, which is better
// than to undo what a running config has made.
func (a *App) takenBack() bool {
	if caddy.Exiting() || a.ctx.Context == nil {
		return false
	}
	// A config that came into force took the place of the one before it. Contexts are not used twice.
	if caddy.ActiveContext().Context != a.before {
		return false
	}
	// caddy.Stop gives up the active config before it cleans up, so the first config of a process looks alike whether
	// it ran or not. Only a refused one has its error for a cause.
	return errors.Unwrap(context.Cause(a.ctx)) != nil
}
