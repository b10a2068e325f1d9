package engine

import (
	"context"
	"fmt"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/dispatch"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/pluginhost"
)

// absent stands for a plugin that cannot be run at all. Its events wait until a
// reload brings a better definition.
type absent struct{ why error }

func (a absent) Start(context.Context) error { return a.why }
func (a absent) Supervise()                  {}
func (a absent) State() pluginhost.State     { return pluginhost.State{LastError: a.why.Error()} }
func (a absent) Stop(context.Context) error  { return nil }
func (a absent) MaxBatch() int               { return 1 }
func (a absent) Wants(string) bool           { return true }

func (a absent) Ready(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (a absent) Handle(context.Context, []dispatch.Delivery) ([]dispatch.Result, error) {
	return nil, fmt.Errorf("%w: %w", dispatch.ErrDown, a.why)
}
