// Package http is the bundled plugin that posts events to an application in the shape in which Smartcar sends them. Its
// README describes the config and what each answer means.
package http

import (
	"context"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// Plugin is the plugin "http".
func Plugin() *sdk.Plugin {
	return sdk.New("http", open)
}

func open(ctx context.Context, c config) (sdk.Handler, error) {
	clients, err := newClients(ctx, c)
	if err != nil {
		return nil, err
	}
	sdk.OnClose(ctx, func(context.Context) error {
		clients.close()
		return nil
	})
	return newPoster(c, clients).post, nil
}
