package app

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/traffic"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Passer is what passes events on to an application and stores none, as the app sees it.
type Passer struct {
	Source string
	Keys   *smartcar.Keys
	// Tokens are what is known of the use of each of its tokens.
	Tokens []*traffic.Token
}

// IfConfigured returns the app of the config that is being loaded, nil where nothing asks for one: it would open a buffer.
// The global option does, and so does a receiver of the server that is being set up with ctx.
func IfConfigured(ctx caddy.Context) (*App, error) {
	load := ctx.AppIfConfigured
	if hasReceiver(ctx) {
		load = ctx.App
	}
	mod, err := load(Name)
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a, ok := mod.(*App)
	if !ok {
		return nil, fmt.Errorf("app %q is a %T, which this handler does not know", Name, mod)
	}
	return a, nil
}

func hasReceiver(ctx caddy.Context) bool {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server == nil {
		return false
	}
	view, err := viewOf(server)
	return err == nil && len(view.Sources()) > 0
}

// JoinPassing makes known who passes events on: its source is shown like that of a receiver, and the sites of the server
// that is being set up with ctx are looked at as with Join.
func (a *App) JoinPassing(ctx caddy.Context, p Passer) error {
	if !slices.Contains(a.passing, p.Source) {
		a.passing = append(a.passing, p.Source)
	}
	a.keys.Add(p.Source, p.Keys)
	a.accepted.Add(p.Source, p.Tokens)
	return a.warned.Sites(ctx, a.log)
}
