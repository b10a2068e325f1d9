// Package postgres is the bundled plugin that writes events into PostgreSQL: as rows of its own tables, or with a
// statement of the user's. Its README describes the config and the tables.
package postgres

import (
	"context"
	"errors"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// maxBatch events share one transaction.
const maxBatch = 100

// Plugin is the plugin "postgres".
func Plugin() *sdk.Plugin {
	return sdk.NewBatch("postgres", open, sdk.WithMaxBatch(maxBatch))
}

// open refuses what only the operator can mend, such as a missing table. A database that is down is no mistake in the
// config: the handler starts, and what is left to check is checked before the first event.
func open(ctx context.Context, c config) (sdk.BatchHandler, error) {
	pool, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	sdk.OnClose(ctx, func(context.Context) error {
		pool.Close()
		return nil
	})
	s := newStore(c, pool)
	err = s.ready(ctx)
	var wrong *setupError
	switch {
	case errors.As(err, &wrong):
		return nil, wrong.diagnostic()
	case err != nil:
		sdk.Logger(ctx).Warn("the database cannot be used yet; events wait for it", "error", err)
	}
	return s.handle, nil
}
