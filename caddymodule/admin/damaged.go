package admin

import (
	"errors"
	"net/http"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// recoverDamaged stores the events anew that can be read in files that were set aside.
func recoverDamaged(q *request) (any, error) {
	dryRun, err := q.query.bool("dry_run")
	if err != nil {
		return nil, err
	}
	name := q.PathValue("name")
	r, err := q.Engine.RecoverDamaged(q.Context(), name, dryRun)
	switch {
	case errors.Is(err, buffer.ErrNotFound):
		return nil, apiErrorf(http.StatusNotFound, "no damaged files are set aside under the name %q", name)
	case errors.Is(err, engine.ErrNoDamaged):
		return nil, apiErrorf(http.StatusNotFound, "%w", err)
	case err != nil:
		return nil, err
	}
	return api.Recovered{Name: name, DryRun: dryRun, Readable: r.Readable, Stored: r.Stored, Known: r.Known,
		Unreadable: r.Unreadable, Oldest: api.UTC(r.Oldest), Newest: api.UTC(r.Newest)}, nil
}
