package admin

import (
	"errors"
	"net/http"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/engine"
)

// recoverDamaged gives back what can be read in files that were set aside.
func recoverDamaged(q *request) (any, error) {
	dryRun, err := q.query.bool("dry_run")
	if err != nil {
		return nil, err
	}
	name := q.PathValue("name")
	r, err := q.Engine.RecoverDamaged(q.Context(), name, dryRun)
	if err != nil {
		return nil, damagedError(name, err)
	}
	return api.Recovered{Name: name, DryRun: dryRun, Readable: r.Readable, Stored: r.Stored, Known: r.Known,
		DeadLetters: r.Letters, Missing: r.Missing, DeadLettersLost: r.LettersLost, Oldest: api.UTC(r.Oldest),
		Newest: api.UTC(r.Newest)}, nil
}

// removeDamaged deletes files that were set aside.
func removeDamaged(q *request) (any, error) {
	force, err := q.query.bool("force")
	if err != nil {
		return nil, err
	}
	name := q.PathValue("name")
	if err := q.Engine.RemoveDamaged(q.Context(), name, force); err != nil {
		return nil, damagedError(name, err)
	}
	return api.DamagedRemoved{Removed: name}, nil
}

func damagedError(name string, err error) error {
	switch {
	case errors.Is(err, buffer.ErrNotFound):
		return apiErrorf(http.StatusNotFound, "no damaged files are set aside under the name %q", name)
	case errors.Is(err, engine.ErrNoDamaged):
		return apiErrorf(http.StatusNotFound, "%w", err)
	case errors.Is(err, buffer.ErrNotRecovered), errors.Is(err, buffer.ErrRecovering):
		return apiErrorf(http.StatusConflict, "%w", err)
	}
	return err
}
